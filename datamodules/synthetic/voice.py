"""A voice that can be told how it feels: speech-like audio from a source and a filter.

Voiced syllables are glottal pulses sent through four formants, with a noise burst before some of them. The
cues are those of the literature on emotional speech and survive peak normalisation: arousal raises pitch, its
range, tempo, contrast and high frequencies; dominance lowers the formants and strengthens the first; valence
spreads the lips and bends pitch upwards, weakly.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

SAMPLE_RATE = 16_000
CONTROL_RATE = 100  # Hz, of everything that changes slowly
# F1, F2, F3 and F4 in Hz of an average male vocal tract (after Peterson & Barney 1952).
VOWELS = np.array(
    [
        [270, 2290, 3010, 3600],
        [530, 1840, 2480, 3500],
        [730, 1090, 2440, 3400],
        [570, 840, 2410, 3300],
        [300, 870, 2240, 3200],
        [490, 1350, 1690, 3300],
    ],
    float,
)
SMILE = np.array([0.0, 0.05, 0.05, 0.02])  # spread lips shorten the tract and raise F2 and F3 (Tartter 1980)
BANDWIDTHS = np.array([70.0, 100.0, 150.0, 220.0])  # Hz


@dataclass(frozen=True)
class Speaker:
    """What stays the same in all utterances of one voice."""

    pitch: float
    """Resting fundamental frequency in Hz."""
    formants: float
    """Factor on the vowels' formants, 1 for a long vocal tract."""
    tempo: float
    """Syllables a second at rest."""
    tilt: float
    """Habitual brightness: log gain of the high harmonics."""
    expression: float
    """How strongly emotions show; 1 on average."""


def draw_speaker(rng: np.random.Generator) -> Speaker:
    """A speaker of either of two groups: low and long, or high and short."""
    high = rng.random() < 0.5
    return Speaker(
        pitch=(200.0 if high else 115.0) * float(np.exp(rng.normal(0, 0.08))),
        formants=(1.15 if high else 1.0) * float(np.exp(rng.normal(0, 0.025))),
        tempo=float(rng.normal(4.2, 0.25)),
        tilt=float(rng.normal(0, 0.15)),
        expression=float(rng.normal(1.0, 0.1)),
    )


def speak(
    speaker: Speaker,
    arousal: np.ndarray,
    dominance: np.ndarray,
    valence: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Audio in -1..1 at SAMPLE_RATE for three curves at CONTROL_RATE, each about -1.5..1.5, 0 for calm."""
    arousal, dominance, valence = (speaker.expression * curve for curve in (arousal, dominance, valence))
    samples = len(arousal) * SAMPLE_RATE // CONTROL_RATE
    starts, ends = _syllables(speaker.tempo * np.exp(0.28 * arousal), rng)
    accents = rng.normal(0, 1, len(starts))

    source = _glottal_source(_pitch(speaker, arousal, valence, starts, accents, rng), arousal, speaker, rng)
    speech = np.zeros(samples)
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        a, d, v = arousal[start], dominance[start], valence[start]
        first, last = (int(edge * SAMPLE_RATE / CONTROL_RATE) for edge in (start, end))
        envelope = np.sin(np.pi * np.linspace(0, 1, last - first)) ** (0.8 - 0.2 * np.tanh(a))
        loudness = np.exp(accents[number] * (0.25 + 0.12 * a))
        formants = VOWELS[rng.integers(len(VOWELS))] * speaker.formants * np.exp(-0.08 * d + SMILE * v)
        vowel = sosfilt(_formant_filters(formants, dominance=d), source[first:last])
        speech[first:last] += loudness * envelope * vowel / (np.std(vowel) + 1e-9)
        if rng.random() < 0.5:
            length = min(int(rng.uniform(0.03, 0.08) * SAMPLE_RATE), first)
            centre = rng.uniform(2500, 5500)
            burst = lfilter(*_resonator(centre, 1500.0), rng.normal(0, 1, length))
            speech[first - length : first] += (
                0.25 * loudness * np.hanning(length) * burst / (np.std(burst) + 1e-9) if length else 0
            )
    return _record(speech, rng)


def _syllables(tempo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends in control steps of syllables that follow one another at `tempo` a second."""
    edges = []
    at = rng.uniform(2, 12)
    while at < len(tempo) - 6:
        length = CONTROL_RATE / tempo[int(at)] * np.exp(rng.normal(0, 0.15))
        edges.append((int(at), int(min(at + max(length * 0.85, 5), len(tempo)))))
        at += length * (rng.uniform(1.8, 2.6) if rng.random() < 0.08 else 1.0)
    starts, ends = np.array(edges).T
    return starts, ends


def _pitch(
    speaker: Speaker,
    arousal: np.ndarray,
    valence: np.ndarray,
    starts: np.ndarray,
    accents: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fundamental frequency in Hz at CONTROL_RATE: a phrase's line, an accent a syllable, some jitter."""
    time = np.linspace(-0.5, 0.5, len(arousal))
    accent = np.interp(np.arange(len(arousal)), starts + 6, accents)
    semitones = (
        4.0 * arousal
        + (1.2 + 0.6 * arousal) * accent
        + (2.2 * valence - 2.0) * time
        + np.convolve(rng.normal(0, 0.4, len(arousal)), np.hanning(9) / 4, "same")
    )
    return speaker.pitch * 2 ** (semitones / 12)


def _glottal_source(pitch: np.ndarray, arousal: np.ndarray, speaker: Speaker, rng: np.random.Generator) -> np.ndarray:
    """Glottal pulses at SAMPLE_RATE; the more effort, the stronger the high harmonics."""
    per_step = SAMPLE_RATE // CONTROL_RATE
    steps = np.arange(len(pitch) * per_step) / per_step
    known = np.arange(len(pitch))
    phase = np.cumsum(np.interp(steps, known, pitch)) / SAMPLE_RATE
    brightness = 0.35 * np.exp(np.interp(steps, known, 0.9 * arousal + speaker.tilt))
    cycle = phase % 1.0
    # Rosenberg's pulse: opens slowly, closes fast; its derivative is what the lips radiate.
    flow = np.where(
        cycle < 0.4,
        0.5 - 0.5 * np.cos(np.pi * cycle / 0.4),
        np.where(cycle < 0.56, np.cos(np.pi / 2 * (cycle - 0.4) / 0.16), 0.0),
    )
    sharp = np.diff(flow, prepend=0.0)
    soft = lfilter([0.12], [1, -0.88], sharp)
    breath = 0.02 * np.std(sharp) * rng.normal(0, 1, len(sharp))
    return soft + brightness * (sharp - soft) + breath


def _resonator(frequency: float, bandwidth: float) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of a two-pole resonance with gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    poles = np.array([1.0, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2])
    return np.array([poles.sum(), 0.0, 0.0]), poles


def _formant_filters(formants: np.ndarray, dominance: float) -> np.ndarray:
    """The cascade of formants as second-order sections; a dominant voice has a firmer first formant."""
    bandwidths = BANDWIDTHS * np.exp(np.array([-0.35, -0.1, 0.1, 0.2]) * dominance)
    sections = [
        np.concatenate(_resonator(formant, bandwidth))
        for formant, bandwidth in zip(np.minimum(formants, 7000.0), bandwidths, strict=True)
    ]
    return np.array(sections)


def _record(speech: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The speech as some microphone hears it: its own balance, hiss 30 to 45 dB below, and any level."""
    balance = rng.normal(0, 0.08)
    speech = lfilter([1.0, balance], [1.0], speech)
    speech = sosfilt(butter(1, 60, "highpass", fs=SAMPLE_RATE, output="sos"), speech)
    hiss = np.std(speech) * 10 ** (-rng.uniform(30, 45) / 20)
    speech = speech + hiss * rng.normal(0, 1, len(speech))
    return rng.uniform(0.2, 0.9) * speech / np.max(np.abs(speech))
