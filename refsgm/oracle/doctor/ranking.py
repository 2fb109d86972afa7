"""The order in which explanations are believed: the simpler one, and the surer one, comes first.

A finding is what an engine has seen. Its cost places it among all others: an explanation with a
lower cost is given first. Three bounds read the costs: at FINAL or below nothing else is asked; at
GOOD_ENOUGH or above lost digits are considered too; above OBSCURE a coefficient is not explained.
"""

FINAL, GOOD_ENOUGH, OBSCURE = 0, 2, 4

RANKING = (
    # finding                     engine        cost  reason
    ("answers nowhere",           "call",       -1,   "there is no answer to explain"),
    ("times out",                 "call",       -1,   "every further call would take as long"),
    ("keeps a state",             "structure",  -1,   "the values are those of other arguments"),
    ("draws otherwise",           "structure",  -1,   "its own draws cannot be the contract's"),
    ("another convention",        "dictionary",  0,   "nothing is wrong with it"),
    ("levels along features",     "structure",   0,   "there are no answers at oblong probes"),
    ("rows against rows",         "structure",   0,   "the values cannot be compared"),
    ("results exchanged",         "structure",   0,   "nothing else is wrong"),
    ("not reduced",               "structure",   0,   "the values cannot be compared"),
    ("wrong shape",               "call",        0,   "the values cannot be compared"),
    ("gradient",                  "gradient",    0,   "a verdict of its own beside the value's"),
    ("noise of its own",          "structure",   0.1, "every formula fits it badly"),
    ("levels broadcast",          "structure",   0.2, "rows that mix look like anything"),
    ("levels reversed",           "structure",   0.3, "each step is then another one"),
    ("changes arguments",         "call",        0.35, "where it raises too, this may be why"),
    ("raises somewhere",          "call",        0.4, "a message is plainer than any fit"),
    ("never finite",              "precision",   0.5, ""),
    ("level of another step",     "structure",   0.5, "before 'evaluated elsewhere', its effect"),
    ("known mistake",             "dictionary",  0.6, "it predicts every value, by one formula"),
    ("another choice",            "structure",   0.6, "it predicts every value, by one argument"),
    ("data misread",              "structure",   0.6, "it predicts every value, by one argument"),
    ("level for level",           "structure",   0.6, "it predicts every value, by one level"),
    ("somewhere not finite",      "precision",   0.6, ""),
    ("half precision",            "precision",   0.6, "the dtype says it"),
    ("table rearranged",          "structure",   0.7, ""),
    ("table's length",            "call",        0.8, "after a shift, which says why"),
    ("evaluated elsewhere",       "structure",   0.8, "the calls were seen; coefficients follow"),
    ("result clipped",            "structure",   0.8, "after an argument that is clipped"),
    ("one level fewer",           "structure",   0.9, "the calls were seen"),
    ("argument by convention",    "structure",   0.9, "likelier than a slip"),
    ("rows mixed",                "structure",   0.9, "after levels along a wrong axis, its cause"),
    ("one row for all",           "structure",   1.0, ""),
    ("variance ignored",          "structure",   1,   ""),
    ("factor",                    "fit",         1,   "and more for every code that it takes"),
    ("coordinates",               "fit",         1.05, "one choice explains the factor"),
    ("unweighted",                "terms",       1.05, "one term for another, before factors"),
    ("argument ignored",          "structure",   1.1, "a factor that lacks it says more"),
    ("argument held",             "structure",   1.1, "the same, with the value that it has"),
    ("offset",                    "fit",         1.2, ""),
    ("function of the result",    "structure",   1.25, "after an offset, where both fit"),
    ("arguments exchanged",       "structure",   1.3, ""),
    ("exchanged in the target",   "terms",       1.35, "one exchange explains all terms"),
    ("weight of levels",          "terms",       1.4, "one factor explains all terms of a level"),
    ("square of a term",          "terms",       1.4, ""),
    ("power of the result",       "fit",         1.5, ""),
    ("term missing",              "terms",       1.5, "before a coefficient that is zero"),
    ("not squared",               "terms",       1.5, ""),
    ("other Jacobian",            "terms",       1.5, ""),
    ("digits lost somewhere",     "precision",   1.5, "errors are small, a formula's would not be"),
    ("float32 somewhere",         "precision",   1.5, "errors are small, a formula's would not be"),
    ("nearly right",              "precision",   1.5, "errors are small, a formula's would not be"),
    ("few digits",                "precision",   1.5, "errors are small, a formula's would not be"),
    ("coefficient",               "terms",       1.6, "and more for every quantity in it"),
    ("evaluated anywhere",        "structure",   1.6, "it says where the mistake is, not which"),
    ("factor that is a sum",      "fit",         1.8, ""),
    ("argument misread",          "structure",   1.9, "many are tried, one may fit by chance"),
    ("term extra",                "terms",       2.0, ""),
    ("edge",                      "structure",   2,   "it says where the mistake is, not which"),
    ("coefficient unlike",        "terms",       2.5, "it is a product, but no known slip"),
    ("number of calls",           "structure",   2.5, "it says where the mistake is, not which"),
    ("table's end",               "structure",   2.5, "it says where the mistake is, not which"),
    ("table's spacing",           "structure",   2.5, "it says where the mistake is, not which"),
    ("smooth error",              "precision",   2.5, "large errors are not nearly right"),
    ("roughly",                   "fit",         3,   "two mistakes at once, one of them small"),
    ("gaps among wrong values",   "precision",   3.9, "what explains the finite values says why"),
    ("term extra, unexplained",   "terms",       4.2, "its coefficient is no product"),
    ("coefficient unexplained",   "terms",       4.5, "it is no product"),
    ("nothing",                   "none",        99,  ""),
)
# What was seen, and says nothing of what the values are: it can be told, and it cannot be allowed.
SEEN_ALONE = {"answers nowhere", "times out", "draws otherwise", "keeps a state",
              "levels along features", "rows against rows", "wrong shape", "noise of its own",
              "levels broadcast", "level of another step", "never finite",
              "gaps among wrong values", "evaluated elsewhere", "one level fewer", "rows mixed",
              "one row for all", "argument ignored", "evaluated anywhere", "number of calls",
              "table's length", "table's end", "table's spacing", "term extra, unexplained",
              "coefficient unexplained", "nothing"}
COST = {finding: cost for finding, _, cost, _ in RANKING}
ENGINE = {finding: engine for finding, engine, _, _ in RANKING}
SURCHARGE = {"code": 0.2, "quantity": 0.2, "term": 0.3,     # for each of them in an explanation
             "wrong-factor": 0.8, "factor-extra": 0.15}     # codes that say little


def cost_of_factor(codes):
    """The cost of a factor of the whole result that takes these codes to explain."""
    if codes == ["wrong-coordinates"]:
        return COST["coordinates"]
    vague = "wrong-factor" if "wrong-factor" in codes else codes[0]
    return COST["factor"] + SURCHARGE["code"] * len(codes) + (
        SURCHARGE[vague] if vague in ("wrong-factor", "factor-extra") else 0)


def cost_of_coefficient(factor):
    """The cost of one coefficient that is `factor` times the right one."""
    return (COST["coefficient"] + SURCHARGE["quantity"] * len(factor.powers)
            + SURCHARGE["quantity"] * bool(factor.powers and factor.twos))


def cost_of_other_coefficient(made):
    """The cost of one coefficient that is the product `made`, unlike the right one."""
    return COST["coefficient unlike"] + SURCHARGE["quantity"] * len(made.powers)


def cost_of_several(found):
    """The cost of several wrong coefficients, the simplest first, told in one sentence."""
    return found[0].cost + SURCHARGE["term"] * (len(found) - 1)


def final(found):
    """Whether an explanation leaves nothing to ask."""
    return any(d.cost <= FINAL for d in found)


def good_enough(found):
    """Whether an explanation is so simple that lost digits need not be considered."""
    return bool(found) and min(d.cost for d in found) < GOOD_ENOUGH


def obscure(diagnosis):
    """Whether a coefficient is wrong in a way that is no product of quantities."""
    return diagnosis.cost > OBSCURE
