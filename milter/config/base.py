"""What all parts of the settings are made of."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from milter.addresses import normal_pattern

AddressOrDomain = Annotated[str, AfterValidator(normal_pattern)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(lambda v: ip_network(v) if isinstance(v, str) else v)]
# YAML reads a bare off as false, a bare yes as true.
OffIsAWord = BeforeValidator(lambda value: "off" if value is False else value)
YesIsAWord = BeforeValidator(lambda value: "yes" if value is True else value)


class Section(BaseModel):
    """Settings are closed: a key that is not declared here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
