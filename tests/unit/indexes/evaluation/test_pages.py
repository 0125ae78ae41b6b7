from __future__ import annotations

from indexes.evaluation.pages import render_report
from indexes.evaluation.reports import GateCheck, GateReport


def test_slices_are_drawn_and_what_comes_from_data_is_escaped():
    figures = {"n_slices": 2, "recall now": 0.995, "recall group <b>": 0.91}
    check = GateCheck(name="recall", passed=False, detail="<script>", figures=figures)
    page = render_report(GateReport(snapshot="a" * 64, checks=(check,)))
    assert page.count("<rect ") == 2
    assert "group &lt;b&gt;" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "class=failed" in page
