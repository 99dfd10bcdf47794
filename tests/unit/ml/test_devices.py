import logging
from pathlib import Path

import pytest
import torch

from ml import devices
from ml.errors import DeviceUnavailable

ROOT = Path(__file__).resolve().parents[3]


def test_automatic_takes_the_best_there_is_and_says_why(caplog):
    caplog.set_level(logging.INFO, logger="ml.devices")

    device = devices.resolve("auto")

    if torch.cuda.is_available():
        expected = "cuda"
    elif torch.backends.mps.is_available():
        expected = "mps"
    else:
        expected = "cpu"
    (record,) = caplog.records
    assert device.type == expected
    assert record.device == str(device)
    assert record.why.startswith("automatic: ")


def test_a_device_asked_for_is_logged_as_such(caplog):
    caplog.set_level(logging.INFO, logger="ml.devices")

    assert devices.resolve("cpu") == torch.device("cpu")
    assert [(record.device, record.why) for record in caplog.records] == [("cpu", "asked for")]


@pytest.mark.parametrize("name", ["", "gpu", "CPU!", "cuda:x", "xpu", "meta", "tpu:0"])
def test_an_unknown_device_is_refused_with_the_known_ones(name):
    with pytest.raises(DeviceUnavailable, match="known are auto, cpu, cuda") as error:
        devices.resolve(name)

    assert error.value.code == "ml:device-unavailable"
    assert error.value.context == {"device": name}


def test_a_cuda_device_that_is_not_here_is_refused():
    with pytest.raises(DeviceUnavailable, match="not on this machine"):
        devices.resolve("cuda:63")


@pytest.mark.parametrize(
    ("device", "dtype"),
    [("cuda", torch.float16), ("mps", torch.float32)],
)
def test_number_format_of_other_devices(device, dtype):
    assert devices.dtype_for(torch.device(device)) == dtype


def test_number_format_of_the_cpu_follows_its_instructions():
    capabilities = torch.cpu.get_capabilities()
    has_bf16 = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")

    expected = torch.bfloat16 if has_bf16 else torch.float32
    assert devices.dtype_for(torch.device("cpu")) == expected
