"""Who may send, and how much at once."""

async def test_strangers_are_turned_away(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), trusted_clients=["192.0.2.0/24"]))
    assert (await client.reply()).startswith("554 5.7.1 ")
    assert await client.reply() == ""


async def test_too_many_connections(start_hop, start_filter, connect):
    running = await start_filter(await start_hop(), max_connections=1)
    first = await connect(running)
    await first.hello()
    second = await connect(running)
    assert (await second.reply()).startswith("421 4.3.2 ")
    await first.ask("QUIT")
    assert await first.reply() == ""
    third = await connect(running)
    assert (await third.reply()).startswith("220 ")


async def test_too_many_recipients(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), max_recipients=100))
    await client.hello()
    await client.ask("MAIL FROM:<a@example.org>")
    for number in range(100):
        assert (await client.ask(f"RCPT TO:<{number}@example.org>")).startswith("250 ")
    assert (await client.ask("RCPT TO:<more@example.org>")).startswith("452 4.5.3 ")
    assert (await client.ask("DATA")).startswith("354 ")


async def test_endless_command_line(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop()))
    await client.hello()
    assert (await client.ask("NOOP " + "x" * 200_000)).startswith("500 ")
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_too_many_connections_of_one_client(start_hop, start_filter, connect):
    running = await start_filter(await start_hop(), max_connections_per_client=2)
    clients = [await connect(running) for _ in range(3)]
    assert [(await client.reply())[:10] for client in clients[:2]] == ["220 filter"] * 2
    assert (await clients[2].reply()).startswith("421 4.7.0 ")
    assert await clients[2].reply() == ""
    await clients[0].ask("QUIT")
    assert await clients[0].reply() == ""
    again = await connect(running)
    assert (await again.reply()).startswith("220 ")


async def test_connections_of_a_milters_client_are_counted_too(start_milter, call):
    running = await start_milter(max_connections_per_client=1)
    await call(running)
    second = await call(running, negotiate=False)
    assert await second.read() == (b"", b"")
