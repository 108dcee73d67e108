"""The tables of ``bench/gpu.py``, each from what an item of its part found."""

from agenda import Found

Rows = list[dict[str, str]]


def correctness(found: Found) -> Rows:
    return [
        {
            "test": name.removeprefix("test_").replace("_", " "),
            **{state: str(states.get(state, 0)) for state in ("passed", "failed", "skipped")},
        }
        for name, states in found["tests"].items()
    ]


def speed(found: Found) -> Rows:
    shipped, bare, kernels = found["shipped"], found["bare"], found["kernels"]
    tflop = found["flop_per_token"] * shipped["tokens_per_second"] / 1e12
    row = {
        **sizes(found),
        "shipped, tokens/s": f"{shipped['tokens_per_second']:,.0f}",
        "ms a step": f"{shipped['milliseconds']:.1f}",
        "TFLOP/s": f"{tflop:.1f}",
        "MiB": f"{shipped['memory']:,.0f}",
        "bare, tokens/s": f"{bare['tokens_per_second']:,.0f}",
        "bare, ms": f"{bare['milliseconds']:.1f}",
    }
    if kernels:
        row["kernels, ms"] = f"{kernels['milliseconds']:.1f}"
        row["of bare"] = percent(kernels["share"])
        row["of shipped"] = percent(kernels["share"] * found["ratio"])
    return [row]


def head(found: Found) -> Rows:
    large = {name: rate for name, rate in found["gemm"].items() if name.startswith("large")}
    return [
        {
            "B": str(found["batch_size"]),
            "rows": f"{found['rows']:,}",
            "ms": f"{found['milliseconds']:.2f}",
            "TFLOP/s": f"{found['rate'] / 1e12:,.1f}",
            "of its GEMM": percent(found["share_of_head"]),
            "of a large GEMM": percent(found["share_of_large"]),
            **{f"{name}, TFLOP/s": f"{rate / 1e12:,.1f}" for name, rate in large.items()},
        }
    ]


def graphs(found: Found) -> Rows:
    def row(epoch: str, seconds: float, captures: str = "", capturing: str = "", kernels: str = "") -> dict[str, str]:
        return {
            **sizes(found),
            "epoch": epoch,
            "s": f"{seconds:.2f}",
            "tokens/s": f"{found['tokens'] / seconds:,.0f}",
            "captures": captures,
            "s of it": capturing,
            "kernels": kernels,
        }

    epochs = [
        row(f"replayed, {number}", each["seconds"], str(each["captures"]), f"{each['capture_seconds']:.2f}")
        for number, each in enumerate(found["epochs"], start=1)
    ]
    epochs[-1]["kernels"] = percent(found["kernels"]["share"])
    return [row("launched", found["launched_seconds"]), *epochs]


def loss_read(found: Found) -> Rows:
    names = {"none": "no read", "at_once": "read", "later": "read a step later"}
    taken = {f"{names[name]}, ms": f"{value:.2f}" for name, value in found["milliseconds"].items()}
    prices = {f"price: {names[name]}": f"{value:+.1%}" for name, value in found["price"].items() if name != "none"}
    return [{**sizes(found), **taken, **prices}]


def tang(found: Found) -> Rows:
    return [
        {
            "s": f"{found['seconds']:.1f}",
            "epochs": str(found["epochs"]),
            "tokens": f"{found['tokens']:,}",
            "tokens/s": f"{found['tokens_per_second']:,.0f}",
            **perplexities(found),
        }
    ]


def report_a(found: Found) -> Rows:
    return [
        {
            "seed": str(found["seed"]),
            "optimizer": optimizer,
            "epochs": str(run["epochs"]),
            **perplexities(run),
            "tokens/s": f"{run['tokens_per_second']:,.0f}",
            "s": f"{run['seconds']:.0f}",
        }
        for optimizer, run in found["runs"].items()
    ]


def sizes(found: Found) -> dict[str, str]:
    return {"L": str(found["num_layers"]), "B": str(found["batch_size"])}


def perplexities(run: Found) -> dict[str, str]:
    names = {"val/ppl": "val", "test/ppl": "test", "test/ppl_hanzi": "test, its characters"}
    return {shown: f"{run['metrics'][name]:.1f}" for name, shown in names.items()}


def percent(share: float) -> str:
    return f"{share:.0%}"
