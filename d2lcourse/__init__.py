"""The helper package of *Deep Learning You Can Run*: what several chapters share.

>>> import d2lcourse as d2l
>>> session = d2l.setup(seed=0, scale="small", device="cpu")
device cpu, scale small, seed 0
"""

from . import data
from .checks import check_close, check_shape
from .demos import demo, export_onnx
from .history import History
from .plots import decision_regions, heatmap, plot_history, show_images, use_style
from .session import Session, setup
from .training import accuracy, batches, evaluate, fit, predict

__version__ = "0.1.0"

__all__ = [
    "History",
    "Session",
    "accuracy",
    "batches",
    "check_close",
    "check_shape",
    "data",
    "decision_regions",
    "demo",
    "evaluate",
    "export_onnx",
    "fit",
    "heatmap",
    "plot_history",
    "predict",
    "setup",
    "show_images",
    "use_style",
]
