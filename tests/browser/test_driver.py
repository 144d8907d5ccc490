"""The accessibility check that the other tests rely on does find what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from .driver import violations

pytestmark = pytest.mark.browser


def test_a_button_without_a_name_and_a_faint_text_are_found_and_only_in_the_part_that_is_asked_about(
    chromium: Browser,
) -> None:
    page = chromium.new_page()
    page.set_content(
        '<html lang="en"><title>t</title><main><div id="bad"><button></button><p style="color:#ccc">faint</p></div>'
        '<div id="good"><button>Fit</button></div></main></html>'
    )
    found = violations(page, "#bad")
    assert [one.split(" ")[0] for one in found] == ["button-name", "color-contrast"]
    assert "<button></button>" in found[0]
    assert [one.split(" ")[0] for one in violations(page, "#bad", ignore=["button-name"])] == ["color-contrast"]
    assert violations(page, "#good") == []
    page.close()
