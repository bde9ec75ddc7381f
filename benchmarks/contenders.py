"""Who takes part: one class per contender, each with its framework imported only in its own worker process.

A contender turns a case into a call without arguments that does the whole operation and waits for its
end. Add one by writing a class and listing it in `registry.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases import LAYOUTS, Answer, Case, Inputs, make_inputs

# NumPy asks for huge pages for its large arrays; the allocators of the others can, and new results cost them up to half
# as much then. Ours come from NumPy, so that theirs on small pages would be a comparison of allocators.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "THP_MEM_ALLOC_ENABLE": "1"}


@dataclass(frozen=True)
class Prepared:
    """A case ready to be called.

    Where a loop in Python would be the wrong measure, `loop(n)` does n calls, or `clock(n)` does them and says how
    many seconds they took by its own clock.
    """

    call: Callable[[], Any]
    answer: Callable[[Any], Answer] | None = None
    loop: Callable[[int], None] | None = None
    clock: Callable[[int], float] | None = None
    note: str = ""


class Contender(ABC):
    """Built inside its worker process, after the environment of `environment` is in place."""

    name: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]
    is_limit: ClassVar[bool] = False
    has_peak: ClassVar[bool] = True  # whether its peak memory means anything
    has_target_gradient: ClassVar[bool] = False  # whether it computes the gradient with respect to targets

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        """Variables that the framework reads when it is loaded."""
        return {}

    @classmethod
    def missing(cls) -> str | None:
        """The first module that is not installed, without importing it."""
        return next((module for module in cls.modules if importlib.util.find_spec(module) is None), None)

    @classmethod
    def has(cls, case: Case) -> bool:
        """Whether the case means anything for this contender; if not, it is left out without a word."""
        return True

    @classmethod
    def takes_part(cls, case: Case) -> bool:
        """Whether it has the operation, and the case means anything for it."""
        return (cls.has_target_gradient or case.op != "target_backward") and cls.has(case)

    def __init__(self, threads: int) -> None:
        self.threads = threads

    @abstractmethod
    def version(self) -> str: ...

    def isa(self) -> str:
        """The instruction set in use, where the contender tells it."""
        return ""

    @abstractmethod
    def prepare(self, case: Case) -> Prepared: ...


def load(module: str) -> Any:
    """Import a framework as `Any`: none of them is a dependency of this package, and few are typed."""
    return importlib.import_module(module)


def to_float64(value: Any) -> Any:
    """A float64 NumPy array of a NumPy scalar or array, or of anything that NumPy can read."""
    import numpy as np

    return np.asarray(value).astype(np.float64)


def answer_of(case: Case, value: Any, convert: Callable[[Any], Any] = to_float64) -> Answer:
    """What a call of a case returned, as an `Answer`; value_and_grad returns a pair."""
    if case.op == "value_and_grad":
        return Answer(loss=convert(value[0]), grad=convert(value[1]))
    return Answer(grad=convert(value)) if case.op.endswith("backward") else Answer(loss=convert(value))


class Ours(Contender):
    """bcelogits as most people call it: every call returns a new result."""

    name = "bcelogits"
    modules = ("numpy", "bcelogits")
    has_target_gradient: ClassVar[bool] = True

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.package = load("bcelogits")
        self.package.set_num_threads(threads)

    def version(self) -> str:
        return f"bcelogits {self.package.info()['version']}"

    def isa(self) -> str:
        return str(self.package.info()["isa"])

    def outputs(self, case: Case, inputs: Inputs) -> dict[str, Any]:
        return {}

    def prepare(self, case: Case) -> Prepared:
        inputs = make_inputs(case)
        x, t = inputs.logits, inputs.targets
        options: dict[str, Any] = {"reduction": case.reduction, **self.outputs(case, inputs)}
        if case.option not in ("none", *LAYOUTS):  # without weights, as people call it without them
            options |= {"weight": inputs.weight, "pos_weight": inputs.pos_weight}
        if case.op.endswith("backward"):
            backward = getattr(self.package, f"binary_cross_entropy_with_logits_{case.op}")
            one = x.dtype.type(1)
            return Prepared(lambda: backward(one, x, t, **options), lambda value: answer_of(case, value))
        forward = self.package.value_and_grad
        if case.op != "value_and_grad":
            forward = self.package.binary_cross_entropy_with_logits
        return Prepared(lambda: forward(x, t, **options), lambda value: answer_of(case, value))


class OursInPlace(Ours):
    """bcelogits writing its array result into memory that the caller keeps, as a training loop does."""

    name = "bcelogits-out"

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.writes

    def outputs(self, case: Case, inputs: Inputs) -> dict[str, Any]:
        import numpy as np

        return {"grad_out" if case.op == "value_and_grad" else "out": np.zeros_like(inputs.logits)}


class NumpyOneLiner(Contender):
    """The expression that people write when they have NumPy only."""

    name = "numpy"
    modules = ("numpy",)

    def version(self) -> str:
        return f"numpy {load('numpy').__version__}"

    def prepare(self, case: Case) -> Prepared:
        import numpy as np

        inputs = make_inputs(case)
        x, t = inputs.logits, inputs.targets
        w: Any = 1 if inputs.weight is None else inputs.weight
        p: Any = 1 if inputs.pos_weight is None else inputs.pos_weight
        scale = 1 / case.size

        def plain() -> Any:
            return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))

        def weighted() -> Any:
            return w * ((1 - t) * x + (1 + (p - 1) * t) * (np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)))

        def plain_grad() -> Any:
            return (1 / (1 + np.exp(-x)) - t) * scale

        def weighted_grad() -> Any:
            s = 1 / (1 + np.exp(-x))
            return w * ((1 - t) * s - p * t * (1 - s)) * scale

        unweighted = inputs.weight is None and inputs.pos_weight is None
        loss, grad = (plain, plain_grad) if unweighted else (weighted, weighted_grad)
        # NumPy adds bfloat16 in bfloat16, and stops growing after some hundred elements; float16 it knows.
        wide = np.float32 if case.dtype == "bfloat16" else None
        calls: dict[str, Callable[[], Any]] = {
            "forward-mean": lambda: np.mean(loss(), dtype=wide),
            "forward-sum": lambda: np.sum(loss(), dtype=wide),
            "forward-none": loss,
            "value_and_grad": lambda: (np.mean(loss(), dtype=wide), grad()),
            "backward": grad,
        }
        return Prepared(calls[case.op], lambda value: answer_of(case, value))


class NumpyInPlace(Contender):
    """The same expression as someone writes it who minds memory: every step into arrays that are kept."""

    name = "numpy-out"
    modules = ("numpy",)

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.option in ("none", *LAYOUTS) and case.dtype != "bfloat16"

    def version(self) -> str:
        return f"numpy {load('numpy').__version__}"

    def prepare(self, case: Case) -> Prepared:
        import numpy as np

        inputs = make_inputs(case)
        x, t = inputs.logits, inputs.targets
        a, b = np.zeros_like(x), np.zeros_like(x)
        scale = x.dtype.type(1 / case.size)

        def loss() -> Any:
            np.abs(x, out=a)
            np.negative(a, out=a)
            np.exp(a, out=a)
            np.log1p(a, out=a)
            np.multiply(x, t, out=b)
            np.subtract(a, b, out=a)
            np.maximum(x, 0, out=b)
            return np.add(a, b, out=a)

        def grad() -> Any:
            np.negative(x, out=b)
            np.exp(b, out=b)
            np.add(b, 1, out=b)
            np.reciprocal(b, out=b)
            np.subtract(b, t, out=b)
            return np.multiply(b, scale, out=b)

        calls: dict[str, Callable[[], Any]] = {
            "forward-mean": lambda: np.mean(loss()),
            "forward-sum": lambda: np.sum(loss()),
            "forward-none": loss,
            "value_and_grad": lambda: (np.mean(loss()), grad()),
            "backward": grad,
        }
        return Prepared(calls[case.op], lambda value: answer_of(case, value))


class TorchEager(Contender):
    """torch.nn.functional, eager mode; the gradient through autograd on a leaf tensor."""

    name = "torch"
    modules: ClassVar[tuple[str, ...]] = ("torch",)

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), **HUGE_PAGES}

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.torch = load("torch")
        self.torch.set_num_threads(threads)

    def version(self) -> str:
        return f"torch {self.torch.__version__}"

    def isa(self) -> str:
        return str(self.torch.backends.cpu.get_cpu_capability())

    def loss_function(self, case: Case) -> Callable[..., Any]:
        function = self.torch.nn.functional.binary_cross_entropy_with_logits
        reduction = case.reduction

        def loss(x: Any, t: Any, w: Any, p: Any) -> Any:
            return function(x, t, weight=w, pos_weight=p, reduction=reduction)

        return loss

    def tensor(self, array: Any, case: Case) -> Any:
        """A tensor that shares the array's memory."""
        if array is None:
            return None
        if isinstance(array, float):
            return self.torch.tensor(array)
        if case.dtype == "bfloat16":  # NumPy cannot hand bfloat16 over; its bits it can
            return self.torch.from_numpy(array.view("int16")).view(self.torch.bfloat16)
        return self.torch.from_numpy(array)

    def prepare(self, case: Case) -> Prepared:
        torch = self.torch
        inputs = make_inputs(case)
        x, t = self.tensor(inputs.logits, case), self.tensor(inputs.targets, case)
        w, p = self.tensor(inputs.weight, case), self.tensor(inputs.pos_weight, case)
        loss = self.loss_function(case)

        def convert(value: Any) -> Any:
            return value.detach().to(torch.float64).numpy()

        def answer(value: Any) -> Answer:
            return answer_of(case, value, convert)

        if not case.op.startswith("forward"):
            x.requires_grad_()

        def value_and_grad() -> Any:
            value = loss(x, t, w, p)
            value.backward()
            grad, x.grad = x.grad, None  # the next call starts without a gradient, as after zero_grad()
            return value, grad

        if case.op == "value_and_grad":
            return Prepared(value_and_grad, answer)
        if case.op == "backward":
            return Prepared(self.backward_only(loss, x, t, w, p), answer)
        return Prepared(lambda: loss(x, t, w, p), answer)

    def backward_only(self, loss: Callable[..., Any], x: Any, *others: Any) -> Callable[[], Any]:
        """A call that walks a kept graph backwards; the forward pass is not part of it."""
        kept, grad = loss(x, *others), self.torch.autograd.grad
        return lambda: grad(kept, x, retain_graph=True)[0]


class OursTorch(TorchEager):
    """bcelogits.torch in the place of torch.nn.functional, eager mode."""

    name = "bcelogits-torch"
    modules = ("torch", "bcelogits")

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.package = load("bcelogits.torch")

    def version(self) -> str:
        return f"bcelogits {load('bcelogits').__version__} in {super().version()}"

    def isa(self) -> str:
        return str(load("bcelogits").info()["isa"])

    def loss_function(self, case: Case) -> Callable[..., Any]:
        function, reduction = self.package.binary_cross_entropy_with_logits, case.reduction
        return lambda x, t, w, p: function(x, t, weight=w, pos_weight=p, reduction=reduction)


class TorchCompile(TorchEager):
    """The same function through torch.compile, compiled anew for every case with its shape fixed."""

    name = "torch.compile"

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        # One compile thread: the pool of compiler processes would stay around while others are timed.
        return {**TorchEager.environment(threads), "TORCHINDUCTOR_COMPILE_THREADS": "1"}

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.case: Case | None = None
        self.last: Callable[..., Any] | None = None

    def prepare(self, case: Case) -> Prepared:
        if case != self.case:
            self.case, self.last = case, None
        return super().prepare(case)

    def loss_function(self, case: Case) -> Callable[..., Any]:
        return self.compiled(super().loss_function(case)) if case.op != "backward" else super().loss_function(case)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The compiled function, the one of the last call if that was for the same case (once per case)."""
        if self.last is None:
            self.torch._dynamo.reset()  # beyond 8 variants dynamo would silently fall back to eager
            self.last = self.torch.compile(function, dynamic=False, fullgraph=True)
        return self.last

    def backward_only(self, loss: Callable[..., Any], x: Any, *others: Any) -> Callable[[], Any]:
        # A compiled graph overwrites what it saved, so it cannot be walked twice. The compiled function of
        # the gradient alone is at least as good: it has no use for the loss.
        gradient = self.compiled(self.torch.func.grad(loss))
        leaf = x.detach()
        return lambda: gradient(leaf, *others)


class TorchCompileInPlace(TorchCompile):
    """torch.compile of a function that writes its array result into a tensor that the caller keeps.

    Loss and gradient come from `torch.func.grad_and_value`, which compiles to one pass over memory where autograd
    compiles to two.
    """

    name = "torch.compile-out"

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.writes

    def loss_function(self, case: Case) -> Callable[..., Any]:
        return TorchEager.loss_function(self, case)

    def prepare(self, case: Case) -> Prepared:
        torch = self.torch
        if case != self.case:
            self.case, self.last = case, None
        inputs = make_inputs(case)
        operands = [self.tensor(a, case) for a in (inputs.logits, inputs.targets, inputs.weight, inputs.pos_weight)]
        out = torch.zeros_like(operands[0])
        loss = self.loss_function(case)
        derived = {
            "forward-none": loss,
            "backward": torch.func.grad(loss),
            "value_and_grad": torch.func.grad_and_value(loss),
        }[case.op]

        def into(out: Any, *operands: Any) -> Any:
            result = derived(*operands)
            if case.op != "value_and_grad":
                return out.copy_(result)
            return result[1], out.copy_(result[0])

        function = self.compiled(into)

        def convert(value: Any) -> Any:
            return value.to(torch.float64).numpy()

        return Prepared(lambda: function(out, *operands), lambda value: answer_of(case, value, convert))


class OptaxJit(Contender):
    """optax under jax.jit. optax has no pos_weight: the weighted loss is written with log_sigmoid, as optax does."""

    name = "optax"
    modules = ("jax", "optax")

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        # NPROC is what XLA's CPU client takes as the size of its thread pool.
        return {
            "JAX_PLATFORMS": "cpu",
            "JAX_ENABLE_X64": "1",
            "NPROC": str(threads),
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=true",
            **HUGE_PAGES,
        }

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.jax, self.optax = load("jax"), load("optax")
        self.last: tuple[Case, Callable[..., Any]] | None = None

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.option not in LAYOUTS  # arrays of JAX are row-major

    def version(self) -> str:
        return f"optax {self.optax.__version__} / jax {self.jax.__version__}"

    def prepare(self, case: Case) -> Prepared:
        jax: Any = self.jax
        inputs = make_inputs(case)
        arrays = [None if a is None else jax.numpy.asarray(a) for a in (inputs.logits, inputs.targets)]
        # A Python number stays one: weakly typed, so that it widens nothing.
        weights = [
            a if a is None or isinstance(a, float) else jax.numpy.asarray(a) for a in (inputs.weight, inputs.pos_weight)
        ]
        del inputs

        def losses(x: Any, t: Any, w: Any, p: Any) -> Any:
            if p is None:
                loss = self.optax.losses.sigmoid_binary_cross_entropy(x, t)
            else:
                loss = -(p * t * jax.nn.log_sigmoid(x) + (1 - t) * jax.nn.log_sigmoid(-x))
            return loss if w is None else w * loss

        def mean(x: Any, t: Any, w: Any, p: Any) -> Any:
            return losses(x, t, w, p).mean()

        functions: dict[str, Callable[[], Any]] = {
            "forward-mean": lambda: mean,
            "forward-sum": lambda: lambda *operands: losses(*operands).sum(),
            "forward-none": lambda: losses,
            "value_and_grad": lambda: jax.value_and_grad(mean),
            "backward": lambda: jax.grad(mean),
        }
        return self.prepared(case, functions[case.op](), arrays, weights)

    def prepared(self, case: Case, function: Callable[..., Any], arrays: list[Any], weights: list[Any]) -> Prepared:
        jitted, wait = self.jitted(case, function), self.jax.block_until_ready
        return Prepared(lambda: wait(jitted(*arrays, *weights)), lambda value: answer_of(case, value))

    def jitted(self, case: Case, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """The compiled function, the one of the last call if that was for the same case."""
        if self.last is None or self.last[0] != case:
            self.last = (case, self.jax.jit(function, **options))
        return self.last[1]


class OptaxDonated(OptaxJit):
    """optax writing its array result into the array of the call before, which is donated for that."""

    name = "optax-out"

    @classmethod
    def has(cls, case: Case) -> bool:
        return super().has(case) and case.writes

    def prepared(self, case: Case, function: Callable[..., Any], arrays: list[Any], weights: list[Any]) -> Prepared:
        def into(kept: Any, *operands: Any) -> Any:
            return function(*operands)

        jitted, wait = self.jitted(case, into, donate_argnums=0, keep_unused=True), self.jax.block_until_ready
        kept = [self.jax.numpy.zeros_like(arrays[0])]

        def call() -> Any:
            value = wait(jitted(kept[0], *arrays, *weights))
            kept[0] = value[1] if case.op == "value_and_grad" else value
            return value

        return Prepared(call, lambda value: answer_of(case, value))


class TensorflowXla(Contender):
    """TensorFlow's ops and GradientTape inside tf.function(jit_compile=True)."""

    name = "tensorflow"
    modules = ("tensorflow",)

    @staticmethod
    def environment(threads: int) -> dict[str, str]:
        return {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": str(threads),
            "TF_NUM_INTRAOP_THREADS": str(threads),
            **HUGE_PAGES,
        }

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.tf = load("tensorflow")
        self.tf.get_logger().setLevel("ERROR")  # every case is traced anew, which it would remark on
        self.tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.tf.config.threading.set_inter_op_parallelism_threads(threads)

    @classmethod
    def has(cls, case: Case) -> bool:
        return case.option not in LAYOUTS  # tensors of TensorFlow are row-major

    def version(self) -> str:
        return f"tensorflow {self.tf.__version__}"

    def prepare(self, case: Case) -> Prepared:
        tf = self.tf
        inputs = make_inputs(case)
        x, t = tf.constant(inputs.logits), tf.constant(inputs.targets)
        w, p = (a if a is None or isinstance(a, float) else tf.constant(a) for a in (inputs.weight, inputs.pos_weight))
        del inputs

        def losses(x: Any, t: Any) -> Any:
            if p is None:
                loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=x)
            else:
                loss = tf.nn.weighted_cross_entropy_with_logits(labels=t, logits=x, pos_weight=p)
            return loss if w is None else w * loss

        def mean(x: Any, t: Any) -> Any:
            return tf.reduce_mean(losses(x, t))

        def value_and_grad(x: Any, t: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = mean(x, t)
            return value, tape.gradient(value, x)

        function = {
            "forward-mean": mean,
            "forward-sum": lambda x, t: tf.reduce_sum(losses(x, t)),
            "forward-none": losses,
            "value_and_grad": value_and_grad,
            "backward": lambda x, t: value_and_grad(x, t)[1],
        }[case.op]
        jitted = tf.function(function, jit_compile=True, autograph=False)

        def convert(value: Any) -> Any:
            return tf.cast(value, tf.float64).numpy()

        return Prepared(lambda: jitted(x, t), lambda value: answer_of(case, value, convert))
