"""The strengths of the policies that draw from num_magnitude_bins of them, by what becomes of one grey."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.tables import transforms_samples as samples

pytestmark = must_answer

STRONGEST = [
    pytest.param(home, name, marks=check(f"transforms.{claim}", since=since))
    for home, since in (("classic", None), ("v2", "2.2"))
    for name, claim in (("RandAugment", "rand-augment"), ("TrivialAugmentWide", "trivial-augment"))
]


@pytest.mark.parametrize(("home", "name"), STRONGEST)
def test_the_last_of_two_strengths_is_the_strongest(subject, home, name):
    """What can become of a grey of 201: half brightness and more, posterized, or solarized, and nothing else."""
    darkest, named = (20, {"num_ops": 1, "magnitude": 1}) if name == "RandAugment" else (2, {})
    way = getattr(samples.transforms(home), name)(num_magnitude_bins=2, fill=[201, 201, 201], **named)
    image = samples.picture(np.full((3, 5, 5), 201, np.uint8), "RGB")
    found = {int(value) for _ in range(150) for value in np.unique(samples.pixels(way(image)))}
    due = {201, 255, darkest, 201 // 16 * 16, 255 - 201}
    require(found <= due and len(found) > 2, f"{home} {name}(num_magnitude_bins=2) makes {found} of 201", due, found)
