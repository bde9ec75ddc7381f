"""The runtime: each sentence is a test of a client (tests/cann/clients), in a process of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import datetime

import pytest
from toolchain import FUNCTIONS, names_of_tests

RunClient = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("name", names_of_tests("devices", "contexts"))
def test_devices_and_contexts(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("streams", "stream_ends"))
def test_streams(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("events", "event_times"))
def test_events(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("callbacks"))
def test_callbacks(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("memory", "copies"))
def test_memory(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("init", "diagnostics"))
def test_init_and_diagnostics(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("extras"))
def test_functions_that_few_programs_use(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("meta"))
def test_tensors_and_lists(name: str, client: RunClient) -> None:
    client(name)


@pytest.mark.parametrize("name", names_of_tests("executors", "workspaces"))
def test_executors(name: str, client: RunClient) -> None:
    client(name)


def test_everything_works_in_one_process_too(client: RunClient) -> None:
    client(*names_of_tests(*FUNCTIONS, together=True), timeout=120)


class Devices:
    """What `print_devices` prints: codes of aclInit, aclrtGetDeviceCount and aclrtSetDevice, then what they gave."""

    def __init__(self, client: RunClient, **env: str) -> None:
        first, _, self.text = client("print_devices", **env).stdout.partition("\n")
        *numbers, self.soc = first.split(" ")
        self.init, self.get_count, self.set_device, self.count = map(int, numbers)

    @property
    def works(self) -> bool:
        return not (self.init or self.get_count or self.set_device)


@pytest.mark.parametrize(
    ("visible", "count"), [("0", 1), ("2", 1), ("0,2", 2), ("1,2,3", 3), ("1, 2", 1), ("1,x,2", 1), ("0,9", 1)]
)
def test_visible_devices_are_counted_and_renumbered(visible: str, count: int, client: RunClient) -> None:
    devices = Devices(client, BCELOGITS_DEVICE_COUNT="4", ASCEND_RT_VISIBLE_DEVICES=visible)
    assert devices.works
    assert devices.count == count


def test_a_device_that_is_visible_twice_is_an_error(client: RunClient) -> None:
    devices = Devices(client, BCELOGITS_DEVICE_COUNT="4", ASCEND_RT_VISIBLE_DEVICES="1,1")
    assert not devices.works
    assert "ASCEND_RT_VISIBLE_DEVICES" in devices.text
    assert "EE2002" in devices.text


@pytest.mark.parametrize("count", [1, 2, 64])
def test_the_number_of_devices_is_a_setting(count: int, client: RunClient) -> None:
    devices = Devices(client, BCELOGITS_DEVICE_COUNT=str(count))
    assert devices.works
    assert devices.count == count


@pytest.mark.parametrize("soc", ["Ascend910B1", "Ascend910_9391", "Ascend310P3", "Ascend950PR", "Ascend910A"])
def test_the_product_is_a_setting(soc: str, client: RunClient) -> None:
    devices = Devices(client, BCELOGITS_SOC_NAME=soc)
    assert devices.works
    assert devices.soc == soc


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BCELOGITS_DEVICE_COUNT", "0"),
        ("BCELOGITS_DEVICE_COUNT", "65"),
        ("BCELOGITS_DEVICE_COUNT", "two"),
        ("BCELOGITS_DEVICE_COUNT", "2x"),
        ("BCELOGITS_DEVICE_COUNT", "-1"),
        ("BCELOGITS_DEVICE_COUNT", "99999999999999999999"),
        ("BCELOGITS_DEVICE_MEMORY", "lots"),
        ("BCELOGITS_DEVICE_MEMORY", "4T4"),
        ("BCELOGITS_DEVICE_MEMORY", "0"),
        ("BCELOGITS_DEVICE_MEMORY", "99999999999999999999G"),
        ("BCELOGITS_SOC_NAME", "Ascend42"),
        ("BCELOGITS_SOC_NAME", "GeForce"),
        ("BCELOGITS_STRICT_MEMORY", "maybe"),
        ("BCELOGITS_NUM_THREADS", "many"),
        ("BCELOGITS_MAX_ISA", "mmx"),
    ],
)
def test_a_bad_setting_is_an_error_that_names_it(variable: str, value: str, client: RunClient) -> None:
    done = client("print_bad_setting", **{variable: value})
    status, _, text = done.stdout.partition("\n")
    assert status != "0"
    assert variable in text
    assert value in text


@pytest.mark.parametrize("memory", ["1073741824", "1048576K", "1024M", "1G"])
def test_the_memory_of_a_device_is_a_setting(memory: str, client: RunClient) -> None:
    assert client("print_memory", BCELOGITS_DEVICE_MEMORY=memory).stdout.split()[1] == str(1 << 30)


def test_a_message_has_process_time_class_and_text(client: RunClient) -> None:
    text = client("print_a_message").stdout
    form = r"\[PID: (\d+)\] (\d{4}-\d\d-\d\d-[\d:]{8}\.\d{3}\.\d{3}) Invalid_Argument\(EE1\d{3}\): aclrtSetDevice: "
    found = re.match(form, text)
    assert found, text
    stamp = datetime.strptime(found[2].replace(".", "", 1)[:-4] + found[2][-3:], "%Y-%m-%d-%H:%M:%S%f")
    assert abs((datetime.now() - stamp).total_seconds()) < 3600 * 26  # the zone may be another one
    assert "deviceId" in text
    assert "-3" in text


def test_a_process_that_only_loads_the_libraries_has_no_more_threads(client: RunClient) -> None:
    assert client("print_threads_before_use").stdout.strip() == "1"
