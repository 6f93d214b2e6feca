"""The settings file: wrong in no silent way, and the example names everything there is."""

import re
import tomllib
from collections.abc import Mapping
from importlib import import_module, resources
from pathlib import Path
from typing import Any, get_origin

import msgspec
import pytest

from hub import settings
from hub.clock import utc_now
from hub.errors import BadSettings
from hub.outbound import Deployment, Outbound
from hub.settings import Settings
from yobikake import connectors

LEAST = 'data = "data"\ncity = "akishima"\n'
KAFKA = '[bus]\nkafka = "127.0.0.1:9092"\n'
USER = 'username = "yobikake"\npassword_file = "p"\n'
PLAIN = 'security_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "PLAIN"\n'


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "yobikake.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = LEAST + (
        '[proxy]\nca_file = "ca.pem"\n'
        + KAFKA
        + USER
        + 'security_protocol = "SASL_SSL"\nca_file = "kafka.pem"\n'
        '[shelters]\nmqtt_password_file = "mqtt"\n'
        '[[shelters.networks]]\nkind = "chirpstack"\nmqtt = "mqtt://127.0.0.1"\npassword_file = "chirp"\n'
        '[channels.x.account]\naccess_token_file = "x"\n'
        '[[channels.wifi.facilities]]\npsk_file = "psk"\n'
        '[channels.website]\ndirectory = "site"\n'
    )
    found = settings.load(written(tmp_path, text))
    assert found.data == tmp_path / "data"
    assert found.keys == tmp_path / "keys"
    assert found.proxy.ca_file == tmp_path / "ca.pem"
    assert (found.bus.password_file, found.bus.ca_file) == (tmp_path / "p", tmp_path / "kafka.pem")
    assert found.shelters.mqtt_password_file == tmp_path / "mqtt"
    assert [network.password_file for network in found.shelters.networks] == [tmp_path / "chirp"]
    assert found.channels["x"]["account"]["access_token_file"] == str(tmp_path / "x")
    assert found.channels["wifi"]["facilities"][0]["psk_file"] == str(tmp_path / "psk")
    assert found.channels["website"]["directory"] == str(tmp_path / "site")


def test_a_citys_own_folder_lies_beside_the_file(tmp_path: Path) -> None:
    assert settings.load(written(tmp_path, LEAST)).city == "akishima"
    (tmp_path / "akishima").mkdir()
    assert settings.load(written(tmp_path, LEAST)).city == str(tmp_path / "akishima")
    assert settings.load(written(tmp_path, 'data = "d"\ncity = "../town"')).city == str(tmp_path / "../town")


def test_a_file_as_an_editor_on_windows_saves_it_is_read(tmp_path: Path) -> None:
    text = LEAST.replace("\n", "\r\n").encode("utf-8-sig")
    assert settings.load(written(tmp_path, text)).city == "akishima"


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("", "$", "`data`"),
        ('data = "data"', "$", "`city`"),
        (LEAST + "colour = 1", "$", "`colour`"),
        ('data = ""\ncity = "akishima"', "$.data", "path"),
        ('data = "data"\ncity = ""', "$.city", "length"),
        ("data = 3\ncity = 'akishima'", "$.data", "path"),
        (LEAST + '[staff]\nport = "eighty"', "$.staff.port", "int"),
        (LEAST + "[staff]\nport = 70000", "$.staff.port", "65535"),
        (LEAST + "[staff]\nprot = 80", "$.staff", "`prot`"),
        (LEAST + "[staff]\nport = 8081", "$", "same port"),
        (LEAST + '[staff]\nport = 1\npublic_url = "hub.example"', "$.staff", "public_url"),
        (LEAST + '[ledger]\nurl = "mysql://127.0.0.1/x"', "$.ledger", "postgresql+psycopg://"),
        (LEAST + '[ledger]\nurl = "postgresql+psycopg://h:x/y"', "$.ledger", "port"),
        (LEAST + '[bus]\nkafka = "kafka1"', "$.bus", "kafka1:9092"),
        (LEAST + KAFKA + 'security_protocol = "TLS"', "$.bus", "SASL_SSL"),
        (LEAST + KAFKA + 'sasl_mechanism = "GSSAPI"', "$.bus", "SCRAM-SHA-512"),
        (LEAST + KAFKA + 'security_protocol = "SASL_SSL"', "$.bus", "username is missing"),
        (
            LEAST + KAFKA + 'security_protocol = "SASL_SSL"\nusername = "y"',
            "$.bus",
            "password_file is missing",
        ),
        (LEAST + KAFKA + USER + 'security_protocol = "SSL"', "$.bus", "not used"),
        (
            LEAST + KAFKA + USER + 'security_protocol = "SASL_SSL"\nsasl_mechanism = ""',
            "$.bus",
            "sasl_mechanism",
        ),
        (LEAST + KAFKA + USER + PLAIN, "$.bus", "SASL_SSL"),
        (LEAST + KAFKA + 'ca_file = "ca.pem"', "$.bus", "not used"),
        (LEAST + '[bus]\nsecurity_protocol = "SSL"', "$.bus", "kafka is missing"),
        (LEAST + "[limits]\nfree_disk = 0.6", "$.limits.free_disk", "0.5"),
        (LEAST + '[live]\nredis = "127.0.0.1"', "$.live", "redis://"),
        (LEAST + "[live]\nshare = 0.0", "$.live.share", "0.0"),
        (LEAST + "[live]\nshare = nan", "$.live.share", "0.0"),
        (LEAST + '[proxy]\nurl = "proxy:8080"', "$.proxy", "http://"),
        (LEAST + '[on_call]\nmail = ["bosai"]', "$.on_call", "mail"),
        (LEAST + '[shelters]\nmqtt = "127.0.0.1"', "$.shelters", "mqtts://"),
        (
            LEAST + '[[shelters.networks]]\nkind = "helium"\nmqtt = "mqtt://a"',
            "$.shelters.networks[0].kind",
            "helium",
        ),
        (
            LEAST + '[[shelters.networks]]\nkind = "chirpstack"\nmqtt = "a"',
            "$.shelters.networks[0]",
            "mqtts://",
        ),
        (LEAST + "[delivery]\nbackoff_s = [1, inf]", "$.delivery.backoff_s[1]", "86400"),
        (LEAST + "[channels]\nmail = true", "$.channels", "object"),
        (LEAST + "[staff\n", "line 3", "TOML"),
        (LEAST + "data = 'twice'\n", "line 3", "TOML"),
        (LEAST.replace("akishima", "昭島").encode("cp932"), "line 2", "UTF-8"),
    ],
)
def test_what_cannot_work_names_file_key_and_reason(
    tmp_path: Path, text: str | bytes, place: str, word: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadSettings) as error:
        settings.load(path)
    message = error.value.message
    assert message.startswith(str(path))
    assert place in message
    assert word in message
    assert re.search("[\u3040-\u9fff]", message), "there is no Japanese in it"


def test_a_file_that_is_not_there_says_what_makes_one(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadSettings, match="yobikake init"):
            settings.load(path)


def test_the_example_is_what_the_defaults_are(tmp_path: Path) -> None:
    """As it stands, it says nothing but what holds without it."""
    assert settings.load(written(tmp_path, example())) == settings.load(written(tmp_path, LEAST))


def test_the_example_with_every_line_in_use_makes_every_channel(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, everything()))
    for secret in secrets(found.channels, tmp_path):
        assert secret.is_relative_to(tmp_path), (
            "the example names a file of the system, and this writes to it"
        )
        secret.parent.mkdir(exist_ok=True)
        plain = f"1000000001-{'secret00' * 4}"  # also 32 bytes in base64url
        secret.write_text(f"whsec_{'A' * 40}" if secret.name.startswith("webhook") else plain)
    channels = connectors.build(found, Outbound(deployment=Deployment.PRODUCTION), utc_now)
    assert channels.keys() == connectors.CONNECTORS.keys()


def test_the_example_names_every_key_there_is(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, everything()))
    assert absent(tomllib.loads(everything()), Settings) == []
    for kind, (module, _) in connectors.CONNECTORS.items():
        assert absent(found.channels[kind], import_module(module).Settings) == [], kind


def example() -> str:
    text = (resources.files("config") / "city.example.toml").read_text(encoding="utf-8")
    return text.replace("{city}", "akishima")


def everything() -> str:
    """A line that begins with # and no space behind it is one that may be used."""
    return re.sub(r"(?m)^#(?=\S)", "", example())


def secrets(values: Any, folder: Path) -> list[Path]:
    if isinstance(values, dict):
        own = [Path(value) for key, value in values.items() if key.endswith("_file")]
        return own + [path for value in values.values() for path in secrets(value, folder)]
    return [path for value in values for path in secrets(value, folder)] if isinstance(values, list) else []


def absent(values: Any, kind: Any) -> list[str]:
    """The keys of `kind`, and of the structs in it, that `values` does not have; in a list, that none of them has."""
    if isinstance(values, list):
        lacking = [set(absent(value, kind)) for value in values]
        return sorted(set.intersection(*lacking)) if lacking else []
    missing = [field.name for field in msgspec.structs.fields(kind) if field.name not in values]
    inside = [
        (together(values[field.name]) if get_origin(field.type) is dict else values[field.name], struct)
        for field in msgspec.structs.fields(kind)
        for struct in structs(field.type)
        if field.name in values
    ]
    return missing + [name for value, struct in inside for name in absent(value, struct)]


def together(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of stanzas of one kind: what any of them says."""
    return {key: value for each in values.values() for key, value in each.items()}


def structs(kind: Any) -> list[Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for argument in getattr(kind, "__args__", ()) for struct in structs(argument)]


@pytest.mark.parametrize("wrong", ["proxy.example.lg.jp", "10.0.0.1/8", "10.0.0"])
def test_a_proxy_is_named_by_address_or_network(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "yobikake.toml"
    file.write_text(
        f'data = "data"\ncity = "akishima"\n[residents]\nport = 1\ntrusted_proxies = ["{wrong}"]\n'
    )
    with pytest.raises(BadSettings, match=r"trusted_proxies.*アドレス"):
        settings.load(file)
    file.write_text(file.read_text().replace(wrong, "10.0.0.0/8"))
    assert settings.load(file).residents.trusted_proxies == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    "wrong", ["*", "www.city.example.lg.jp", "https://a.example/x", "https://a.example; x"]
)
def test_a_website_that_may_frame_the_banner_is_an_origin(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "yobikake.toml"
    head = 'data = "data"\ncity = "akishima"\n[residents]\nport = 1\nembedded_by = '
    file.write_text(f'{head}["{wrong}"]\n', encoding="utf-8")
    with pytest.raises(BadSettings, match=r"embedded_by.*パス"):
        settings.load(file)
    file.write_text(f'{head}["https://www.city.example.lg.jp"]\n', encoding="utf-8")
    assert settings.load(file).residents.embedded_by == ("https://www.city.example.lg.jp",)


@pytest.mark.parametrize("number", ["+815000000000", "05000000000", "110", "050-0000-0000 "])
def test_the_phone_in_line_has_its_number_as_it_is_published(tmp_path: Path, number: str) -> None:
    file = tmp_path / "city.toml"
    file.write_text(f'data = "d"\ncity = "akishima"\n[phone_in]\nnumber = "{number}"\n')
    with pytest.raises(BadSettings, match="050-0000-0000"):
        settings.load(file)
