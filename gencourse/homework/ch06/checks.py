"""Chapter 06, diffusion: what its functions must do, and the mistakes that have a name."""

from gencourse.homework.ch06 import calls as ch06
from gencourse.homework.ch06.forward import loss_cases, loss_judge, sample_cases, sample_judge
from gencourse.homework.ch06.reverse import chain_cases, chain_judge, mean_cases, mean_judge
from gencourse.homework.ch06.sampling import (
    ddim_cases,
    ddim_judge,
    guided_cases,
    guided_judge,
    times_cases,
    times_judge,
)
from gencourse.homework.checking.check import Check

CHECKS = {
    "q_sample": Check("task-q-sample", sample_cases, judge=sample_judge, call=ch06.twice),
    "noise_loss": Check("task-noise-loss", loss_cases, judge=loss_judge, call=ch06.noise_loss),
    "reverse_mean": Check("task-mean", mean_cases, judge=mean_judge, call=ch06.twice),
    "ancestral": Check("task-ancestral", chain_cases, judge=chain_judge, call=ch06.ancestral),
    "guided": Check("task-guided", guided_cases, judge=guided_judge, call=ch06.guided),
    "ddim": Check("task-ddim", ddim_cases, judge=ddim_judge, call=ch06.ddim),
    "my_times": Check("task-times", times_cases, judge=times_judge, call=ch06.chosen_times),
}
