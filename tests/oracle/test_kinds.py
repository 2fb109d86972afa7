"""The records of kinds: complete, of one voice with the functions, and the one place of names."""

import ast
import pathlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.oracle import kinds
from refsgm.oracle.doctor.codes import CODES, CONVENTIONS
from refsgm.oracle.kinds import FAMILIES, KINDS, LOSS, Kind, ProbeSpec
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.probes import fit_specs, probe_specs
from refsgm.oracle.kinds.quantities import quantities
from refsgm.oracle.kinds.terms import sums
from refsgm.oracle.kinds.test_functions import Field
from tests.oracle import kinds as tried
from tests.oracle.kinds.spaces import numpy_space

ORACLE = pathlib.Path(refsgm.__file__).parent / "oracle"
RECORDS = {pathlib.Path(family.__file__) for family in FAMILIES}
# "langevin" is a sort of sampler too, for check_sampler
SAMPLERS = {*(ORACLE / "sampler").glob("*.py"), *(ORACLE / "calls").glob("chain*.py")}
NOT_KINDS = {
    "check check_sampler check_sde check_training": "the oracle's own questions",
    "Empirical Gaussian GaussianMixture": "distributions, judged by the functions that they extend",
    "Model Settings backend energy_network init_network load_model save_model score_network train "
    "value_and_grad": "learning: a network has no one right answer",
    "affine_denoising_score_matching affine_explicit_score_matching affine_implicit_score_matching "
    "affine_noise_conditional_score_matching affine_noise_prediction_loss affine_sliced_variance "
    "affine_sliced_variance_vr": "known answers about losses, which nobody else implements",
    "annealed_langevin_law convergence_order langevin_law sampler_law": "laws of whole samplers: "
    "check_sampler asks for them",
    "expected expected_over_noise": "expectations of functions that a caller gives",
    "probability_flow": "the end of the flow that log_likelihood is judged by",
}


def text_of(node):
    """All strings in an expression."""
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)
            and isinstance(n.value, str)}


def is_name_of_kind(node):
    """Whether an expression is the name of a kind: `contract.name`, `case.contract.name`."""
    return (isinstance(node, ast.Attribute) and node.attr == "name"
            and ast.unparse(node.value).split(".")[-1] in ("contract", "kind"))


def branches(source, names):
    """Where a program asks for a kind by its name: comparisons, searches and tables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            literal = any(isinstance(a, ast.Constant | ast.Tuple | ast.List | ast.Set)
                          for a in sides)
            if text_of(node) & names or literal and any(map(is_name_of_kind, sides)):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if is_name_of_kind(node.func.value):
                yield ast.unparse(node)
        elif isinstance(node, ast.MatchValue) and text_of(node) & names:
            yield ast.unparse(node)
        elif isinstance(node, ast.Dict):
            keys = [k.value for k in node.keys if isinstance(k, ast.Constant)]
            yield from (f"{{{key!r}: ..}}" for key in keys if key in names)


def test_no_engine_asks_for_a_kind_by_its_name():
    """What is known of a kind by its name is in its record; the museum's mistakes name theirs."""
    found = []
    for path in ORACLE.rglob("*.py"):
        if path not in RECORDS and path.parent.name != "museum":
            names = set(KINDS) - ({"langevin"} if path in SAMPLERS else set())
            found += [f"{path.name}: {text}" for text in branches(path.read_text("utf-8"), names)]
    assert found == []


@pytest.mark.parametrize("source", [
    "contract.name == 'perturb'", "name in ('ddpm_step', 'ddim_step')", "kind != 'langevin'",
    "case.contract.name.startswith('mixture')", "'log_' in kind.name", "T = {'perturb': 1}",
    "match name:\n    case 'perturb': pass"])
def test_every_way_to_ask_for_a_kind_is_found(source):
    """The search above is one that finds."""
    assert list(branches(source, set(KINDS)))


def test_records_import_nothing_of_how_code_is_called_or_judged():
    """They know refsgm and each other, so that no record depends on an engine."""
    for path in (ORACLE / "kinds").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level in (0, 1, 3), path.name                  # 2 is the oracle itself
                assert node.level or not node.module.startswith("refsgm"), path.name
                assert node.level < 3 or not node.module.startswith("oracle"), path.name
            elif isinstance(node, ast.Import):
                assert all(a.name.split(".")[0] != "refsgm" or a.name == "refsgm"
                           for a in node.names), path.name


def test_every_public_function_is_a_kind_or_is_none_for_a_reason():
    """A function that is made public and forgotten here cannot be checked by anybody."""
    others = {name for names in NOT_KINDS for name in names.split()}
    assert set(KINDS) | others == set(refsgm.__all__)
    assert not set(KINDS) & others


def test_every_kind_has_one_record_under_its_name():
    """Two records of one name would hide one of the two."""
    names = [kind.name for family in FAMILIES for kind in family.KINDS]
    assert len(names) == len(set(names))
    assert names == list(KINDS) == [kinds.find(name).name for name in names]


def test_the_tests_of_a_kind_are_in_the_file_of_its_family():
    """A new kind takes two files of one name: its record, and what it is tried with."""
    for family, tests in zip(FAMILIES, tried.FAMILIES, strict=True):
        assert family.__name__.split(".")[-1] == tests.__name__.split(".")[-1]
        assert {kind.name for kind in family.KINDS} == set(tests.portable(numpy_space()))


@pytest.mark.parametrize("name", KINDS)
def test_a_record_speaks_of_what_its_kind_has(name):
    """Arguments are the function's own, codes are in the table, and every probe can be drawn."""
    kind = KINDS[name]
    assert set(kind.draw) | set(kind.levels) <= set(kind.args)
    assert not kind.sliced or "v" in kind.args
    for mistake in kind.known:
        assert mistake.code in CODES
        assert mistake.convention in ("", *CONVENTIONS)
    for specs in (probe_specs(kind), fit_specs(kind)):
        assert len({spec.label for spec in specs}) == len(specs)
        args = arguments(kind, specs[0])
        assert set(kind.args[:kind.required]) <= set(args)
        assert set(kind.right_powers or ()) <= set(quantities(kind, args))


def test_an_argument_of_an_unknown_name_must_be_drawn_by_the_record():
    """No probe is drawn from a guess, and the message says where to write it."""
    class Unheard(Kind):
        args = ("x", "wobble")

    with pytest.raises(KeyError, match="the record of perturb must say how its argument 'wobble'"):
        arguments(Unheard("perturb", LOSS), probe_specs(KINDS["perturb"])[0])


def test_a_loss_without_eps_is_a_sum_of_the_terms_that_it_has_by_default():
    """[ESM-1] |s - target|^2 / 2 = |s|^2 / 2 - s'target + |target|^2 / 2, of terms not its own."""
    plain = Kind("explicit_score_matching", LOSS)
    args = arguments(plain, fit_specs(plain)[0])
    s = args["score_fn"](args["x"])
    terms, = sums(plain, args, [s], 0)
    whole = (terms["|f|^2"] + terms["|target_score|^2"]) / 2 - terms["f'target_score"]
    np.testing.assert_allclose(whole, refsgm.explicit_score_matching(*args.values()), rtol=1e-12,
                               atol=0)


def test_a_loss_whose_function_was_not_seen_has_no_terms():
    """A function that is called inside a transformation returns values that nobody saw."""
    plain = Kind("explicit_score_matching", LOSS)
    args = arguments(plain, fit_specs(plain)[0])
    assert sums(plain, args, None, 0) == sums(plain, args, [], 0) == []


@pytest.mark.parametrize("dim", [5, 70])
def test_a_test_function_knows_its_own_derivatives(dim):
    """[OPS-1] [OPS-2] v'J u and tr J without J are those of automatic differentiation."""
    rng = np.random.default_rng(0)
    f, (x, u) = Field(rng, dim), rng.standard_normal((2, 3, dim))
    assert_allclose(f.divergence(x), refsgm.divergence(f, x), rtol=1e-10)
    assert_allclose(np.sum(u * f.jacobian_times(u, x), axis=1),
                    refsgm.directional_derivative(f, x, u), rtol=1e-10)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.answer])
def test_an_answer_that_is_made_faster_is_the_functions(name):
    """In as many dimensions as take the faster way, which an ODE's takes in all."""
    kind = KINDS[name]
    args = arguments(kind, ProbeSpec("", 2, 2 if kind.adaptive else 70)).values()
    assert_allclose(kind.answer(*args), kind.function(*args), rtol=1e-7 if kind.adaptive else 1e-10)
