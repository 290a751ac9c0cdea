"""How good are pictures: how near they come to the true ones (PSNR, SSIM), and how near samples come to a data set."""

from gencourse.metrics.distances import (
    class_entropy,
    frechet_distance,
    inception_score,
    nearest,
    nearest_neighbour_accuracy,
    precision_recall,
)
from gencourse.metrics.floors import draw_like, floor
from gencourse.metrics.harness import Features, features, score
from gencourse.metrics.pictures import psnr, ssim
from gencourse.metrics.scores import Scores, comparison, table
from gencourse.metrics.translations import HUES, hue_entropy, hue_histogram, pooled_psnr, saturation

__all__ = ["Features", "Scores", "class_entropy", "comparison", "draw_like", "features", "floor", "frechet_distance"]
__all__ += ["inception_score", "nearest", "nearest_neighbour_accuracy", "precision_recall", "psnr", "score", "ssim"]
__all__ += ["table", "HUES", "hue_entropy", "hue_histogram", "pooled_psnr", "saturation"]
