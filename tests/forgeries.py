"""Functions that train nothing and try to bend what is noted about them, in the process that they run in.

Each is `train_and_measure(make_step, seed, steps)` of chapter 03, whose marks come from notes alone: unguarded, several
of them would get all points. LOG is what they want to write there.
"""
# ruff: noqa: E501

HEAD = "import torch\n"
LIE = (
    "[one.update(steps=n, measured=1, averaged=True, last=True, after=n, order=o, start=s, holds='g,d') "
    "for one, n, o, s in zip(LOG, (2, 2, 2, 4), (1., 1., 2., 1.), (1., 1., 2., 1.))]"
)
BODY = "def train_and_measure(make_step, seed, steps):\n    {}\n    return float(seed)"
REACHES = {  # ways to the list of notes, and to what carries them
    "closure": "LOG = make_step.__closure__[0].cell_contents",
    "closure by getattr": "LOG = getattr(make_step, '__clo' + 'sure__')[0]",
    "closure by object": "LOG = object.__getattribute__(make_step, '__closure__')[0]",
    "frames": "import sys; LOG = sys._getframe(1).f_locals['log']",
    "frames of an error": "LOG = error.__traceback__.tb_frame.f_back.f_locals['log']",
    "frames of a generator": "LOG = (i for i in [1]).gi_frame.f_back.f_locals['log']",
    "gc": "import gc; LOG = gc.get_objects()",
    "inspect": "import inspect; LOG = inspect.getclosurevars(make_step).nonlocals['log']",
    "currentframe": "from inspect import currentframe as here; LOG = here().f_back.f_locals['log']",
    "operator": "import operator; LOG = operator.attrgetter('__closure__')(make_step)",
    "exec": "exec('LOG = 1')",
    "eval": "LOG = eval('make_step')",
    "__import__": "LOG = __import__('gc').get_objects()",
    "importlib": "import importlib; LOG = importlib.import_module('gc')",
    "globals of the call": "LOG = make_step.__globals__",
    "vars": "LOG = vars(make_step)",
    "builtins": "LOG = __builtins__['globals']()",
    "class pattern": "\n    match make_step:\n        case object(__closure__=LOG): pass",
    "the calls' module": "import gencourse.homework.ch03.calls as LOG",
    "the wire": "from gencourse.homework.grading.inside import wire as LOG",
    "ctypes": "import ctypes; LOG = ctypes.cast(id(make_step), ctypes.py_object)",
    "threads": "import threading; LOG = threading.enumerate()",
    "modules": "import sys; LOG = sys.modules['gencourse.homework.ch03.calls']",
    "descriptors": "import os; LOG = [os.write(n, b'forged') for n in range(3, 20)]",
    "a mock": "from unittest.mock import patch; LOG = patch('torch.equal')",
    "torch's own calls": "torch.Tensor.detach = lambda self: self; LOG = []",
    "the class of a network": "type(make_step).forward = None; LOG = []",
    "__class__": "make_step.__class__.forward = None; LOG = []",
    "an attribute of what was given": "make_step.log = []; LOG = []",
    "a list of what was given": "make_step.x.clear(); LOG = []",
    "by another name": "m = make_step; n = m.x; n.log = []; LOG = []",
    "hooks": "make_step.register_forward_hook(print); LOG = []",
    "setattr": "setattr(torch, 'equal', max); LOG = []",
    "a dispatch mode": "from torch.utils._python_dispatch import TorchDispatchMode as LOG",
    "private torch": "LOG = torch._C",
    "pickle": "import pickle; LOG = pickle.loads(b'')",
    "a trace": "import sys; sys.settrace(print); LOG = []",
    "memory": "import numpy as np; LOG = np.zeros(1).ctypes.data",
}
FORGERIES = {name: HEAD + BODY.format(f"{way}\n    {LIE}") for name, way in REACHES.items()}
PLAIN = {  # what honest code does; none of it is a reach
    "an attribute of one's own": "class A:\n    def __init__(self):\n        super().__init__()\n        self.n = 1\n        self.images = []\n"
    "    def add(self, x):\n        self.images.append(x)\n        self.n += 1",
    "gradients": "def f(net):\n    for p in net.parameters():\n        p.grad = None\n        p.requires_grad = False\n        p.data[0] = 1",
    "a list that was given": "def f(batches, x):\n    batches.append(x)\n    x[0] = 1\n    return batches",
    "in place": "import torch\ndef f(conv):\n    conv.weight.copy_(torch.ones(1))\n    torch.nn.init.zeros_(conv.bias)",
    "settings": "import torch\ntorch.backends.cudnn.benchmark = True\ntorch.set_default_dtype(torch.float32)\ndef f(): pass",
    "dictionaries": "def f(x):\n    out = {}\n    out.update(a=x)\n    out['b'] = getattr(x, 'shape', None)\n    return out",
    "os and sys": "import os, sys\nON = 'google.colab' in str(sys.version)\ndef f(): return os.path.join('a', os.environ.get('B', ''))",
    "optimisers": "def f(opt, loss):\n    opt.zero_grad()\n    loss.backward()\n    opt.step()\n    for g in opt.param_groups:\n        g['lr'] *= 2",
}
