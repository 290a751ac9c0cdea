"""Notebooks as students really make them: what their cells hold around one task, and what becomes of it in Jupyter.

A notebook is its code cells, from top to bottom, as texts. TASK at the head of a cell stands for the id that the cell of
the task was handed out with; TEXT makes it a cell of text. The function is `gram_matrix`: f @ f.mT / (h * w).
"""
# ruff: noqa: E501

RIGHT = "def gram_matrix(features):\n    f = features.flatten(2)\n    return f @ f.mT / f.shape[-1]"
STUB = 'def gram_matrix(features):\n    raise NotImplementedError("gram_matrix is not written yet")'
TIMES = "def gram_matrix(features):\n    f = features.flatten(2)\n    return {} * (f @ f.mT / f.shape[-1])"
TASK, TEXT = "#@task\n", "#@text\n"
USING = TASK + TIMES

AS_JUPYTER = {  # whatever Jupyter makes of them, grading does
    "as handed out": [TASK + RIGHT],
    "split before the function": [TASK + "import math", TASK + RIGHT],
    "split after the function": [TASK + RIGHT, TASK + "print(gram_matrix)"],
    "merged with the cell above": [
        TASK + "import torch\nx = torch.ones(1, 2, 3, 4)\n" + RIGHT + "\nprint(gram_matrix(x))"
    ],
    "merged with another task": ["def content_loss(a, b):\n    return (a - b).square().mean()\n" + RIGHT],
    "a stub copied below": [TASK + RIGHT, TASK + STUB],
    "an older answer above": [TASK + TIMES.format(3), TASK + RIGHT],
    "written into a new cell": [TASK + STUB, RIGHT],
    "helper in a cell below": [USING.format("one()"), "def one():\n    return ONE", "ONE = 1"],
    "helper in a cell above": ["def one():\n    return 1.0", USING.format("one()")],
    "a loop fills a list": ["W = []\nfor k in range(2): W.append(0.5)", USING.format("sum(W)")],
    "a loop in the cell itself": [TASK + "W = []\nfor k in range(4):\n    W.append(0.25)\n" + TIMES.format("sum(W)")],
    "a loop fills a dictionary": ["W = {}\nfor k in range(3):\n    W[k] = k", USING.format("W[1]")],
    "a while loop": ["n = 1\nwhile n < 100:\n    n *= 10", USING.format("n / 100")],
    "a tensor filled in place": ["import torch\nW = torch.zeros(2)\nW[0] += 1\nW.mul_(1)", USING.format("W.sum()")],
    "a function fills it": ["def fill(w):\n    w.append(1)\nW = []\nfill(W)", USING.format("W[0]")],
    "a global set by a function": ["K = 5\ndef init():\n    global K\n    K = 1\ninit()", USING.format("K")],
    "a constant set twice": ["K = 3\nL = K\nK = 1", USING.format("K")],
    "a constant set again below": ["K = 1", USING.format("K"), "K = 7"],
    "unpacked": ["a, (K, *rest) = 1, (1, 2, 3)", USING.format("K")],
    "a comprehension": ["K = sum([i for i in range(2)])", USING.format("K")],
    "a walrus": ["if (K := 1) > 0:\n    print(K)", USING.format("K")],
    "an import in try": [
        "try:\n    from nowhere import prod\nexcept ImportError:\n    from math import prod",
        USING.format("prod([1, 1])"),
    ],
    "one import of several that fails": [
        "from gencourse import checkpoints, descend",
        USING.format("float(callable(descend))"),
    ],
    "an import that fails, unused": [TASK + "try:\n    import cupy\nexcept ImportError:\n    cupy = None\n" + RIGHT],
    "an import inside the function": [
        TASK
        + "def gram_matrix(features):\n    from torch import einsum\n    n = features[0, 0].numel()\n    return einsum('bchw,bdhw->bcd', features, features) / n"
    ],
    "an import in the cell": [
        TASK + "import torch as t\ndef gram_matrix(x):\n    return t.einsum('bchw,bdhw->bcd', x, x) / x[0, 0].numel()"
    ],
    "plt in the function": [
        TASK
        + "import matplotlib.pyplot as plt\n"
        + RIGHT.replace("\n    return", "\n    if False: plt.plot([1])\n    return")
    ],
    "from math import *": ["from math import *", USING.format("cos(0)")],
    "under if": [TASK + "if True:\n" + "\n".join("    " + line for line in RIGHT.splitlines())],
    "under if, else": [
        TASK
        + "FAST = True\nif FAST:\n    gram_matrix = lambda x: x.flatten(2) @ x.flatten(2).mT / x[0, 0].numel()\nelse:\n    def gram_matrix(x):\n        return x"
    ],
    "under try": [
        TASK + "try:\n" + "\n".join("    " + line for line in RIGHT.splitlines()) + "\nexcept Exception:\n    pass"
    ],
    "__main__": [TASK + "if __name__ == '__main__':\n" + "\n".join("    " + line for line in RIGHT.splitlines())],
    "a lambda": [TASK + "gram_matrix = lambda x: x.flatten(2) @ x.flatten(2).mT / x[0, 0].numel()"],
    "a class with __call__": [
        TASK
        + "class Gram:\n    def __call__(self, x):\n        f = x.flatten(2)\n        return f @ f.mT / f.shape[2]\ngram_matrix = Gram()"
    ],
    "a partial": [
        TASK
        + "from functools import partial\ndef gram(x, n):\n    f = x.flatten(2)\n    return f @ f.mT / f.shape[2] ** n\ngram_matrix = partial(gram, n=1)"
    ],
    "a decorator of one's own": [
        TASK
        + "def noisy(f):\n    def inner(*a):\n        print('called')\n        return f(*a)\n    return inner\n@noisy\n"
        + RIGHT
    ],
    "%%time and a % below": [TASK + "%%time\nprint('%d'\n % 3)\n" + RIGHT],
    "%%capture": [TASK + "%%capture out\n" + RIGHT],
    "line magics": [TASK + "%precision 3\n%time K = 1\n!echo hello\ntorch.einsum?\n" + TIMES.format("K")],
    "a value of %time": ["K = %time 1", USING.format("K")],
    "a magic under if": [
        "import sys\nif 'google.colab' in sys.modules:\n    %pip install -q something\nK = 1",
        USING.format("K"),
    ],
    "files = !ls": [TASK + "files = !ls\n" + RIGHT],
    "future annotations": [
        TASK
        + "from __future__ import annotations\n"
        + RIGHT.replace("(features)", "(features: Undefined) -> Tensor[float]")
    ],
    "future annotations above": [
        "from __future__ import annotations",
        TASK + RIGHT.replace("(features)", "(features: Nothing)"),
    ],
    "a page variable as default": ["K = 1", TASK + TIMES.format("k").replace("(features)", "(features, k=K)")],
    "the default is the value then": [
        "K = 1",
        TASK + TIMES.format("k").replace("(features)", "(features, k=K)") + "\nK = 9",
    ],
    "a dataclass": [
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    k: float = 1.0",
        USING.format("C().k"),
    ],
    "cell that fails after the function": [TASK + RIGHT + "\nprint(gram_matrix(undefined))"],
    "a test of one's own": [
        TASK + RIGHT + "\nimport torch\nassert gram_matrix(torch.ones(1, 2, 3, 3)).shape == (1, 2, 2)"
    ],
    "a broken cell elsewhere": ["def broken(:\n    pass", TASK + RIGHT],
    "tabs and Windows line ends": [TASK + RIGHT.replace("    ", "\t").replace("\n", "\r\n")],
    "umlauts and other letters": ["größe = 1\nπ = 3", USING.format("größe")],
    "a docstring like a magic": [
        TASK + RIGHT.replace("\n", '\n    """\n%time is no magic here\n!ls neither\n    """\n', 1)
    ],
    "indented as pasted": [TASK + "\n".join("    " + line for line in RIGHT.splitlines())],
    "pasted with prompts": [
        TASK + "\n".join(("... " if i else ">>> ") + line for i, line in enumerate(RIGHT.splitlines()))
    ],
    "wrong, and stays so": [TASK + TIMES.format(2)],
    "wrong by its constant": ["W = []\nfor k in range(3): W.append(0.5)", USING.format("sum(W)")],
}
NOT_GRADED = {  # what nobody can tell without running what grading does not run, and what is said of it
    "a loop that takes long": (["W = 0\nwhile True:\n    W += 1", USING.format("W")], "takes more than"),
    "a training": (
        [
            "import torch\nnet = torch.nn.Linear(1, 1)\nopt = torch.optim.SGD(net.parameters(), 0.1)\n"
            "for _ in range(3):\n    net(torch.ones(1)).sum().backward()\n    opt.step()",
            USING.format("net.weight.item()"),
        ],
        "grading runs no training",
    ),
    "fit": (
        [
            "import torch\nfrom gencourse import fit\nnet = torch.nn.Linear(1, 1)\nhistory = fit(lambda x: net(x), [1], steps=1)",
            USING.format("history['loss'][-1]"),
        ],
        "grading runs no training",
    ),
    "what a shell command prints": (["files = !ls", USING.format("len(files)")], "what a shell command prints"),
    "a file": (["import torch\nW = torch.load('weights.pt')", USING.format("W")], "No such file"),
    "a package that is not here": (["import a_package_nobody_has as a", USING.format("a.one")], "cannot be imported"),
    "a name from %run": (["%run helpers.py", USING.format("K")], "may come from `%run`"),
    "text now": ([TEXT + TASK + RIGHT], "is text now (Markdown): make it code again"),
    "made by exec": ([TASK + f"exec({RIGHT!r})"], "may make gram_matrix out of text"),
    "made through globals": (
        [TASK + RIGHT.replace("gram_matrix", "mine") + "\nglobals()['gram_matrix'] = mine"],
        "may make gram_matrix out of text",
    ),
    "%%writefile": ([TASK + "%%writefile gram.py\n" + RIGHT], "begins with %%writefile"),
    "newer: type": ([TASK + "type X = int\n" + RIGHT], "cannot be read by the Python that grades"),
    "newer: quotes in an f-string": (
        [TASK + 'd = {"a": 1}\nprint(f"{d["a"]}")\n' + RIGHT],
        "cannot be read by the Python that grades",
    ),
    "newer: in a helper": (
        ["def one[T](x: T) -> T:\n    return x", USING.format("one(1)")],
        "cannot be read by the Python",
    ),
}
