"""The extractor against the equations, against librosa, and its backends against each other."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
import yaml
from presets import feature_settings
from references.mel import mel_features

from datamodules.audio import read_audio
from datamodules.errors import DataError
from datamodules.features import FeatureSettings, make_extractor

CONF = Path(__file__).resolve().parents[2] / "conf" / "features"
PRESETS = ("deepemocluster", "acg")

# Of a file's largest value. Ours is in double precision, librosa given single precision is not: 6e-8 an
# operation and a few hundred operations a value. Measured on 40 files: 4e-7; between our backends 9e-8.
TOLERANCE = 1e-5

TORCHAUDIO_AGAINST_TORCH = """
import sys
import numpy as np
from dataclasses import replace
from datamodules.features import FeatureSettings, make_extractor
speech = np.load(sys.argv[1])
for options in ({}, dict(window="hamming", periodic=False, mel_scale="htk", log=True, pre_emphasis=0.97),
                dict(power=1.0, mel_norm=None, window_length=400, pad_mode="constant")):
    settings = FeatureSettings(**options)
    extract, other = make_extractor(settings), make_extractor(replace(settings, backend="torchaudio"))
    for name in speech:
        ours, theirs = extract(speech[name]), other(speech[name])
        assert ours.shape == theirs.shape
        print(float((ours - theirs).abs().max() / ours.abs().max()))
"""


def preset(name: str) -> FeatureSettings:
    return feature_settings(name)


@pytest.fixture(scope="module")
def real_speech(real_data: Path) -> list[np.ndarray]:
    files = sorted(real_data.rglob("*.wav"))[::60] + sorted(real_data.rglob("*.flac"))[::60]
    assert len(files) > 8
    return [read_audio(file).samples for file in files]


def worst(ours: torch.Tensor, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize("name", PRESETS)
def test_presets_list_every_option(name: str) -> None:
    assert list(yaml.safe_load((CONF / f"{name}.yaml").read_text())) == [f.name for f in fields(FeatureSettings)]


def test_the_released_preset_is_the_default() -> None:
    assert preset("deepemocluster") == FeatureSettings()


@pytest.mark.parametrize(
    ("options", "reference"),
    [
        ({}, {}),
        ({"power": 1.0}, {"power": 1.0}),
        (
            {"window": "hamming", "periodic": False, "mel_scale": "htk", "log": True, "pre_emphasis": 0.97},
            {"window": "hamming", "periodic": False, "htk": True, "log_floor": 1e-10, "pre_emphasis": 0.97},
        ),
    ],
)
def test_features_follow_the_equations(options: dict, reference: dict) -> None:
    rng = np.random.default_rng(0)
    sweep = np.sin(np.cumsum(np.linspace(0.01, 3.1, 6000))) * np.linspace(1, 1e-4, 6000)
    for samples in (rng.normal(0, 0.1, 5000), sweep, rng.normal(0, 1, 257)):
        samples = samples.astype(np.float32)
        features = make_extractor(FeatureSettings(**options))(samples)
        assert features.dtype == torch.float32
        # 1e-6: everything is in double precision here, only the result is rounded.
        assert worst(features, mel_features(samples, **reference)) < 1e-6


def test_released_form_is_librosas_mel_of_the_peak_normalised_file(real_speech: list[np.ndarray]) -> None:
    extract = make_extractor(preset("deepemocluster"))
    for samples in real_speech:
        theirs = librosa.feature.melspectrogram(
            y=samples / np.abs(samples).max(),
            sr=16000,
            n_fft=512,
            hop_length=256,
            n_mels=128,
            pad_mode="reflect",
        )
        assert worst(extract(samples), theirs.T) < TOLERANCE


def test_acg_form_is_librosas(real_speech: list[np.ndarray]) -> None:
    extract = make_extractor(preset("acg"))
    for samples in real_speech:
        # Doubles, because librosa computes in the precision it is given: in single its own error is 1.2e-5.
        samples = samples.astype(np.float64)
        emphasised = librosa.effects.preemphasis(samples / np.abs(samples).max(), coef=0.97, zi=[0.0])
        power = librosa.feature.melspectrogram(
            y=emphasised,
            sr=16000,
            n_fft=512,
            hop_length=256,
            n_mels=128,
            window=np.hamming(512),
            htk=True,
            pad_mode="reflect",
        )
        assert worst(extract(samples), np.log(np.maximum(power, 1e-10)).T) < TOLERANCE


@pytest.mark.parametrize("name", PRESETS)
def test_librosa_backend_equals_torch(name: str, real_speech: list[np.ndarray]) -> None:
    settings = preset(name)
    ours, reference = make_extractor(settings), make_extractor(replace(settings, backend="librosa"))
    for samples in real_speech:
        assert worst(ours(samples), reference(samples).numpy()) < TOLERANCE


def test_torchaudio_backend_equals_torch(tmp_path: Path, real_speech: list[np.ndarray]) -> None:
    """Run from a copy without its compiled folder, which makes it import beside any torch."""
    spec = importlib.util.find_spec("torchaudio")
    if spec is None or spec.origin is None:
        if os.environ.get("CI") == "true":
            pytest.fail("torchaudio is not installed; it is part of the dev extra")
        pytest.skip("torchaudio is not installed")
    package = Path(spec.origin).parent
    shutil.copytree(package, tmp_path / "torchaudio", ignore=shutil.ignore_patterns("lib", "*.so", "__pycache__"))
    np.savez(tmp_path / "speech.npz", *real_speech)
    done = python(TORCHAUDIO_AGAINST_TORCH, tmp_path, str(tmp_path / "speech.npz"))
    assert done.returncode == 0, done.stderr
    differences = [float(line) for line in done.stdout.split()]
    assert len(differences) == 3 * len(real_speech)
    assert max(differences) < TOLERANCE


def test_torchaudio_that_cannot_be_imported_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "torchaudio").mkdir()
    (tmp_path / "torchaudio" / "__init__.py").write_text("raise OSError('libc10_cuda.so: no such file')\n")
    program = """
from datamodules.errors import DataError
from datamodules.features import FeatureSettings, make_extractor
try:
    make_extractor(FeatureSettings(backend="torchaudio"))
except DataError as error:
    print(error)
"""
    done = python(program, tmp_path)
    assert done.stdout.startswith("features.backend=torchaudio: torchaudio cannot be imported here (libc10_cuda")
    assert "set features.backend=torch" in done.stdout


def python(program: str, first_on_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(first_on_path)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command,
        env=environment,
        cwd=CONF.parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_number_of_frames_is_known_beforehand() -> None:
    settings = FeatureSettings()
    extract = make_extractor(settings)
    for n in (257, 511, 512, 513, 767, 768, 16000, 15999):
        assert len(extract(torch.randn(n))) == settings.num_frames(n)


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.float64])
def test_samples_of_every_kind_give_the_same_and_stay_what_they_are(kind: type) -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 4000)
    samples[7] = -(2**15)  # whose negative no 16 bit hold
    given = samples.astype(kind)
    extract = make_extractor(FeatureSettings())
    assert torch.equal(extract(given), extract(samples.astype(np.float64)))
    np.testing.assert_array_equal(given, samples)


def test_silence_is_zeros_or_the_floor() -> None:
    assert not make_extractor(preset("deepemocluster"))(np.zeros(4000, np.float32)).any()
    floor = make_extractor(preset("acg"))(np.zeros(4000, np.float32))
    torch.testing.assert_close(floor, torch.full_like(floor, float(np.log(1e-10))))


def test_level_does_not_matter_unless_it_should() -> None:
    samples = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    extract = make_extractor(FeatureSettings())
    assert worst(extract(samples * 0.01), extract(samples).numpy()) < TOLERANCE
    plain = make_extractor(FeatureSettings(peak_normalize=False))
    assert worst(plain(samples * 0.01), plain(samples).numpy() * 1e-4) < TOLERANCE


def test_too_short_for_one_frame() -> None:
    with pytest.raises(DataError, match="256 samples are fewer than the 257"):
        make_extractor(FeatureSettings())(torch.randn(256))


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0},
        {"n_fft": 511},
        {"n_fft": "512"},
        {"window_length": 1024},
        {"hop_length": -1},
        {"num_mels": 12.5},
        {"fmin": 9000.0},
        {"fmax": 8001.0},
        {"window": "kaiser"},
        {"periodic": "yes"},
        {"mel_scale": "bark"},
        {"mel_norm": "area"},
        {"power": 0.0},
        {"power": 3.0},
        {"log_floor": 0.0},
        {"pre_emphasis": 1.0},
        {"pad_mode": "wrap"},
        {"clip": -3.0},
        {"clip": "three"},
        {"backend": "kaldi"},
    ],
)
def test_a_senseless_option_is_named_with_what_to_set(options: dict) -> None:
    (name, value), *_ = options.items()
    with pytest.raises(DataError, match=rf"^features\.{name}={value} does not work; set it to "):
        FeatureSettings(**options)


def test_one_configuration_is_one_store_however_it_is_written() -> None:
    assert FeatureSettings(power=2, fmin=0).stored() == FeatureSettings().stored()
    assert str(FeatureSettings(power=2).stored()) == str(FeatureSettings().stored())
    assert FeatureSettings(clip=None).stored() == FeatureSettings().stored()  # clipping comes after the store
    assert FeatureSettings(log=True).stored() != FeatureSettings().stored()
