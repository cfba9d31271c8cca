# Files mail that blackmail-filter has flagged into a folder of its own, out of the inbox but not out of sight.
# For all users of a Dovecot server: sieve_before = /etc/dovecot/sieve/blackmail.sieve (compile it with sievec).
# The filter removes headers of this name from incoming mail, so that nobody can forge them.
require ["fileinto", "mailbox"];

if header :is "X-Blackmail-Flag" "YES" {
    fileinto :create "Blackmail";
    stop;
}
