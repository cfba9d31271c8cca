"""Plots of what was measured, as SVG."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "blackmail-filter", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})

from matplotlib import pyplot  # noqa: E402  the back end is chosen first

Results = Mapping[str, Mapping[str, list[float]]]


def _save(figure: pyplot.Figure, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def throughput(results: Results, file: Path) -> None:
    """Messages a second by sessions, one line a program, one picture a size of mails."""
    columns = list(next(iter(results.values())))
    sizes = list(dict.fromkeys(column.rpartition(", ")[0] for column in columns))
    figure, axes = pyplot.subplots(1, len(sizes), figsize=(11, 4.6), sharey=True)
    for axis, size in zip(axes, sizes, strict=True):
        chosen = [column for column in columns if column.startswith(size)]
        places = range(len(chosen))
        for place, (program, found) in enumerate(results.items()):
            speeds = [statistics.median(found[column]) for column in chosen]
            axis.plot(
                places,
                speeds,
                marker="osv^D"[place % 5],
                label=program,
                linewidth=2.5 if program == "ours, workers auto" else 1.2,
            )
        axis.set(title=f"mails of {size}", xlabel="sessions", yscale="log")
        axis.set_xticks(places, [column.rpartition(", ")[2] for column in chosen])
    axes[0].set_ylabel("messages a second")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize=8)
    figure.set_layout_engine("constrained")
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def sizes(costs: Mapping[str, Mapping[int, float]], file: Path) -> None:
    """Milliseconds to read and judge a mail, by its size."""
    figure, axis = pyplot.subplots(figsize=(7, 4))
    for name, marker in zip(costs, "os", strict=True):
        axis.plot([n / 1024 for n in costs[name]], [s * 1e3 for s in costs[name].values()], marker=marker, label=name)
    axis.set(xscale="log", yscale="log", xlabel="size of the mail, KB", ylabel="ms to read and judge")
    axis.legend()
    _save(figure, file)


def rules(costs: Mapping[str, float], file: Path) -> None:
    """Microseconds to hold all patterns against a plain mail of 4 KB, by their number."""
    figure, axis = pyplot.subplots(figsize=(7, 4))
    points = {name: (int(name.split()[0].strip(",").replace(",", "")), s * 1e6) for name, s in costs.items()}
    line = [point for name, point in points.items() if "shipped" not in name]
    axis.plot(*zip(*line, strict=True), marker="o", label="30 and 300 of the shipped ones; others of other words")
    shipped = next(name for name in points if "shipped" in name)
    axis.plot(*points[shipped], marker="s", linestyle="none", label="all shipped ones")
    axis.set(xscale="log", ylim=(0, None), xlabel="patterns", ylabel="µs to match 4 KB of plain text")
    axis.legend()
    _save(figure, file)
