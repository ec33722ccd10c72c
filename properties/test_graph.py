"""Random programs: what a backward pass gives, against our own, and what must not change it."""

from __future__ import annotations

import torch
import torch.utils.checkpoint
from hypothesis import given, settings

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT
from conformance.oracle import graph as oracle
from conformance.oracle import graph_differences
from conformance.oracle.graph_operations import ELEMENTWISE, MOVES, REDUCTIONS, WRITES
from conformance.subject import Subject
from conformance.tables.graph_programs import ROUNDINGS, back, judge, judge_leaves, tensors
from properties.strategies.graphs import Graph, graphs

pytestmark = must_answer

PURE = (*ELEMENTWISE, *REDUCTIONS, *MOVES)
# Differences see through a detached value, which a gradient does not, and stumble over a kink.
SMOOTH = tuple(name for name in PURE if name not in {"detach", "max_dim", "sort", "maximum", "relu", "abs", "where"})
# Writes among what saves its inputs or results, and views of both.
WRITING = (
    *WRITES,
    "mul",
    "square",
    "exp",
    "clone",
    "tanh",
    "scale",
    "sum",
    "select",
    "slice",
    "transpose",
    "diagonal",
    *WRITES,
)


def more(factor: int) -> settings:
    return settings(max_examples=factor * settings.default.max_examples)


@check("graph.gradients-of-programs")
@more(4)
@given(graph=graphs(operations=PURE))
def test_gradients_are_the_oracles(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    back(graph, results, tensors(vectors, subject))
    judge_leaves(graph, tape, leaves, wanted)


@check("graph.values-of-programs")
@more(4)
@given(graph=graphs())
def test_values_and_flags_are_the_oracles(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    for place, found in enumerate(graph.run(graph.leaves(subject))):
        assert_values(f"v{place}", found, tape.value(place), ROUNDINGS, tape.size, dtype="float64")
        tracked = tape.tracked(place)
        require(found.requires_grad is tracked, f"v{place}.requires_grad", tracked, found.requires_grad)
        # A leaf that does not require grad becomes a result where tracked values are written to it.
        made = place not in graph.inputs
        require((found.grad_fn is not None) is (made and tracked), f"v{place}.grad_fn", made and tracked, found.grad_fn)


@check("graph.writes-in-programs")
@more(4)
@given(graph=graphs(operations=WRITING))
def test_a_write_is_tracked_or_noticed(subject: Subject, graph: Graph) -> None:
    """The gradient is right; or the pass refuses, and something was written to that an operation had read or made."""
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    try:
        back(graph, results, tensors(vectors, subject))
    except RuntimeError as error:
        require(tape.guarded, f"backward is refused: {error}", "a gradient", error)
        return
    judge_leaves(graph, tape, leaves, wanted)


@check("graph.intermediate-gradients")
@more(3)
@given(graph=graphs(operations=PURE))
def test_every_intermediate_result_has_the_oracles_gradient(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    asked = [place for place in range(len(tape.tensors)) if tape.tracked(place)]
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), asked)
    results = graph.run(graph.leaves(subject))
    outputs = [results[place] for place in graph.outputs]
    found = torch.autograd.grad(
        outputs, [results[place] for place in asked], tensors(vectors, subject), allow_unused=True
    )
    for place, one, gradient in zip(asked, found, wanted, strict=True):
        judge(f"the gradient of v{place}", tape, one, gradient)


@check("graph.hook-sees-gradient-once")
@more(3)
@given(graph=graphs(operations=PURE))
def test_a_hook_on_each_result_runs_once_with_its_gradient(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    asked = [place for place in range(len(tape.tensors)) if tape.tracked(place)]
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), asked)
    seen: dict[int, list[torch.Tensor]] = {place: [] for place in asked}
    leaves = graph.leaves(subject)

    def watch(place: int, tensor: torch.Tensor) -> None:
        if tensor.requires_grad:
            # A sibling that takes no part, as in unbind, may be shown None: no gradient.
            tensor.register_hook(lambda g: None if g is None else seen[place].append(g.clone()))

    for place in graph.inputs:
        watch(place, leaves[place])
    back(graph, graph.run(leaves, watch), tensors(vectors, subject))
    for place, gradient in zip(asked, wanted, strict=True):
        require(len(seen[place]) <= 1, f"the hook of v{place} ran {len(seen[place])} times", 1, len(seen[place]))
        judge(f"what the hook of v{place} saw", tape, seen[place][0] if seen[place] else None, gradient)


@check("graph.linear-in-v")
@given(graph=graphs(operations=PURE))
def test_the_gradient_is_linear_in_v(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    v, w = (graph.vectors(tape, seed) for seed in (0, 7))
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    inputs = [leaves[place] for place in graph.inputs]
    outputs = [results[place] for place in graph.outputs]
    both = [3 * a - 2 * b for a, b in zip(v, w, strict=True)]
    parts = [
        torch.autograd.grad(outputs, inputs, tensors(u, subject), retain_graph=True, allow_unused=True)
        for u in (v, w, both)
    ]
    tape.gradients(list(zip(graph.outputs, both, strict=True)), graph.inputs)
    for place, one, two, whole in zip(graph.inputs, *parts, strict=True):
        if whole is not None:
            judge(
                f"the gradient of v{place} for 3 v - 2 w", tape, whole, 3 * host.array(one) - 2 * host.array(two), 1.0
            )


@check("graph.branches-add-up")
@given(graph=graphs(operations=PURE))
def test_several_outputs_give_the_sum_in_any_order(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    v = tensors(vectors, subject)
    for order in (1, -1):
        leaves = graph.leaves(subject)
        results = graph.run(leaves)
        outputs = [results[place] for place in graph.outputs]
        sum((y * u).sum() for y, u in list(zip(outputs, v, strict=True))[::order]).backward()
        judge_leaves(graph, tape, leaves, wanted)
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    for place, u in zip(graph.outputs, v, strict=True):
        results[place].backward(u.clone(), retain_graph=True)
    judge_leaves(graph, tape, leaves, wanted)


@check("graph.second-pass-doubles")
@given(graph=graphs(operations=PURE))
def test_a_second_pass_doubles_the_gradient(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    for times in (1, 2, 3):
        back(graph, results, tensors(vectors, subject), retain_graph=True)
        judge_leaves(graph, tape, leaves, wanted, times)


@check("graph.cut-and-rebuilt")
@given(graph=graphs(operations=PURE))
def test_a_graph_cut_in_two_gives_the_same(subject: Subject, graph: Graph) -> None:
    """Detach each result where it is made, go on from there, and hand its gradient back afterwards."""
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    leaves = graph.leaves(subject)
    tensors_ = list(leaves)
    cuts: list[tuple[torch.Tensor, torch.Tensor]] = []
    for step in graph.program.steps:
        one = Graph(oracle.Program((), (step,)), ())
        for made in one.run(tensors_)[len(tensors_) :]:
            cut = made.detach().requires_grad_(made.requires_grad)
            cuts.append((made, cut))
            tensors_.append(cut)
    back(graph, tensors_, tensors(vectors, subject))
    for made, cut in reversed(cuts):
        if cut.grad is not None:
            made.backward(cut.grad)
    judge_leaves(graph, tape, leaves, wanted)


@check("graph.checkpoint-changes-nothing")
@settings(max_examples=max(4, settings.default.max_examples // 2))
@given(graph=graphs(operations=PURE))
def test_checkpointing_changes_no_gradient(subject: Subject, graph: Graph) -> None:
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    for reentrant in (False, True):
        leaves = graph.leaves(subject)

        def outputs(*given: torch.Tensor) -> tuple[torch.Tensor, ...]:
            results = graph.run(given)
            return tuple(results[place] + 0 for place in graph.outputs)

        found = torch.utils.checkpoint.checkpoint(outputs, *leaves, use_reentrant=reentrant)
        torch.autograd.backward(found, tensors(vectors, subject))
        judge_leaves(graph, tape, leaves, wanted)


@check("graph.second-derivative-of-programs")
@given(graph=graphs(operations=SMOOTH, max_steps=5))
def test_the_derivative_of_the_gradient_is_the_difference_of_gradients(subject: Subject, graph: Graph) -> None:
    """Along one direction u of all leaves: d/dt of the oracle's gradient at x + t u, against grad of sum(u * grad)."""
    tape = oracle.run(graph.program)
    vectors = graph.vectors(tape)
    wanted, size = graph_differences.second(graph.program, list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
    leaves = graph.leaves(subject)
    results = graph.run(leaves)
    inputs = [leaves[place] for place in graph.inputs]
    outputs = [results[place] for place in graph.outputs]
    first = torch.autograd.grad(outputs, inputs, tensors(vectors, subject), create_graph=True, allow_unused=True)
    total = [(g * 1.0).sum() for g in first if g is not None and g.requires_grad]
    found = torch.autograd.grad(sum(total), inputs, allow_unused=True) if total else [None] * len(inputs)
    for place, one, gradient in zip(graph.inputs, found, wanted, strict=True):
        one = torch.zeros(gradient.shape, dtype=torch.float64) if one is None else one
        assert_values(
            f"the derivative of the gradient of v{place}", one, gradient, GRADIENT.over(2.0**20), size, dtype="float64"
        )
