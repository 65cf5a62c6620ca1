"""Uses the page of `kirchhoff serve` in a real browser, as a person would.

serve_page.py URL RUNNING_RUN SWEEP [SCREENSHOT]
"""
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

url, running, sweep = sys.argv[1:4]
options = webdriver.ChromeOptions()
for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,1000"]:
    options.add_argument(flag)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def until(what, condition, seconds=20):
    """Waits for something on the page."""
    end = time.time() + seconds
    while True:
        try:
            value = condition()
            if value:
                return value
        except Exception:  # the page renews its rows while we look
            pass
        if time.time() > end:
            raise SystemExit(f"not seen: {what}")
        time.sleep(0.05)


def rows():
    return driver.find_elements(By.CSS_SELECTOR, "#runs tbody tr")


def row(run):
    return driver.find_element(By.CSS_SELECTOR, f'tr[data-id="{run}"]')


def fill(text):
    box = driver.find_element(By.ID, "filter")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(text or Keys.DELETE)


try:
    driver.get(url)
    until("the list", lambda: len(rows()) >= 5)
    everything = len(rows())

    fill("seed=2")
    until("only seed 2", lambda: 0 < len(rows()) < everything)
    fill("seed~2")
    until("what is wrong with the filter", lambda: "not understood" in driver.find_element(By.ID, "message").text)
    fill("")
    until("everything again", lambda: len(rows()) == everything)

    first = until("progress", lambda: float(row(running).find_element(By.TAG_NAME, "progress").get_attribute("value")))
    until("live progress", lambda: float(row(running).find_element(By.TAG_NAME, "progress").get_attribute("value")) > first)

    driver.execute_script(f"document.querySelector('#sweep').value = '{sweep}'; document.querySelector('#sweep').dispatchEvent(new Event('input'))")
    until("the sweep's picture", lambda: len(driver.find_elements(By.CSS_SELECTOR, "#drawing circle")) >= 4)
    driver.execute_script("document.querySelector('#kind').value = 'parallel'; document.querySelector('#kind').dispatchEvent(new Event('input'))")
    until("parallel coordinates", lambda: len(driver.find_elements(By.CSS_SELECTOR, "#drawing polyline")) >= 4)
    for box in [0, 1]:
        until("a box to choose", lambda: rows()[box].find_element(By.CSS_SELECTOR, "input").click() or True)
    until("two chosen", lambda: driver.find_element(By.ID, "compare").is_enabled())
    driver.find_element(By.ID, "compare").click()
    until("the comparison", lambda: "BER" in driver.find_element(By.ID, "comparison").text)
    if len(sys.argv) > 4:
        driver.save_screenshot(sys.argv[4])
    driver.find_element(By.ID, "close-comparison").click()

    # By keyboard alone: from the top to the first link of the list and on.
    driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen = []
    for _ in range(40):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        active = driver.switch_to.active_element
        seen.append(active.get_attribute("id") or active.get_attribute("data-focus") or active.tag_name)
    for name in ["filter", "status", "sweep"]:
        assert name in seen, f"{name} cannot be reached by keyboard: {seen}"
    assert any(name.startswith("link") for name in seen), f"no report can be reached by keyboard: {seen}"

    link = until("a report", lambda: driver.find_element(By.CSS_SELECTOR, "#runs a").get_attribute("href"))
    window = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(link)
    assert "MIMO-OFDM" in driver.find_element(By.TAG_NAME, "h1").text
    driver.close()
    driver.switch_to.window(window)

    driver.execute_script("document.querySelector('#sweep').value = ''; document.querySelector('#sweep').dispatchEvent(new Event('input'))")
    # Rows are drawn anew as runs go on, which may take a button away between finding and pressing it.
    until("a button to cancel", lambda: row(running).find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER) is None)
    until("the cancelled run", lambda: "cancelled" in row(running).text)

    driver.set_window_size(360, 740)
    until("a narrow page that does not scroll sideways", lambda: driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))

    problems = [entry["message"] for entry in driver.get_log("browser") if "400 (Bad Request)" not in entry["message"] and "favicon" not in entry["message"]]
    assert not problems, problems
    print("ok")
finally:
    driver.quit()
