from __future__ import annotations

import threading

import pytest

from eagleray.errors import KeySetError
from serve.identity.key_set_following import Ages, KeySetFollower
from tests.issuers import make_rsa, write_set

AGES = Ages(min_interval_s=30, max_age_s=600, max_stale_s=3600)


class Endpoint:
    """Serves a key set; may be down, or wait."""

    def __init__(self, *keys):
        self.answer, self.n_asked = write_set(*keys), 0
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def __call__(self):
        self.n_asked += 1
        answer = self.answer
        self.begun.set()
        assert self.gate.wait(timeout=20)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def endpoint():
    return Endpoint(make_rsa("one"))


@pytest.fixture
def watcher(endpoint, clock):
    return KeySetFollower(endpoint, AGES, clock.read())


def find(watcher, kid):
    found = watcher.find(key_id=kid, algorithm="RS256")
    return None if found is None else found.key_id


def test_the_set_is_fetched_once_for_many_tokens(watcher, endpoint, clock):
    for _ in range(20):
        assert find(watcher, "one") == "one"
        clock.turn(1)
    assert endpoint.n_asked == 1


def test_a_new_key_is_found_once_a_token_names_it(watcher, endpoint, clock):
    find(watcher, "one")
    endpoint.answer = write_set(make_rsa("one"), make_rsa("two"))
    clock.turn(30)
    assert find(watcher, "two") == "two"
    assert endpoint.n_asked == 2


def test_tokens_that_name_unknown_keys_cause_no_storm(watcher, endpoint, clock):
    find(watcher, "one")
    for second in range(90):
        clock.turn(1)
        for number in range(10):
            assert find(watcher, f"{second}-{number}") is None
    assert endpoint.n_asked == 1 + 3
    assert find(watcher, "one") == "one"


def test_a_key_that_the_set_no_longer_has_is_refused(watcher, endpoint, clock):
    find(watcher, "one")
    endpoint.answer = write_set(make_rsa("two"))
    clock.turn(599)
    assert find(watcher, "one") == "one"
    clock.turn(1)
    assert find(watcher, "one") is None
    assert find(watcher, "two") == "two"
    assert endpoint.n_asked == 2


def test_an_issuer_that_has_no_keys_any_more_is_believed(watcher, endpoint, clock):
    find(watcher, "one")
    endpoint.answer = b'{"keys": []}'
    clock.turn(600)
    assert find(watcher, "one") is None


@pytest.mark.parametrize("fault", [OSError("refused"), RuntimeError("odd"), b"<html>maintenance</html>"])
def test_the_last_good_set_serves_while_there_is_no_new_one_but_not_for_ever(watcher, endpoint, clock, fault):
    find(watcher, "one")
    good, endpoint.answer = endpoint.answer, fault
    for _ in range(3599):
        clock.turn(1)
        assert find(watcher, "one") == "one"
    assert endpoint.n_asked == 1 + 100
    clock.turn(1)
    with pytest.raises(KeySetError, match="try again later") as caught:
        find(watcher, "one")
    assert "refused" not in str(caught.value)
    endpoint.answer = good
    clock.turn(30)
    assert find(watcher, "one") == "one"


def test_an_endpoint_that_never_answered_is_an_error_and_asked_again_later(endpoint, clock):
    good, endpoint.answer = endpoint.answer, OSError("refused")
    watcher = KeySetFollower(endpoint, AGES, clock.read())
    for _ in range(30):
        with pytest.raises(KeySetError):
            find(watcher, "one")
        clock.turn(1)
    assert endpoint.n_asked == 1
    endpoint.answer = good
    assert find(watcher, "one") == "one"


def test_of_threads_that_miss_at_once_one_asks_and_all_get_the_key(watcher, endpoint):
    endpoint.gate.clear()
    found = []
    threads = [threading.Thread(target=lambda: found.append(find(watcher, "one"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert endpoint.begun.wait(timeout=20)
    endpoint.gate.set()
    for thread in threads:
        thread.join(timeout=20)
    assert found == ["one"] * 8
    assert endpoint.n_asked == 1


def test_a_slow_answer_is_not_asked_for_again_by_those_who_waited_for_it(clock):
    n_asked = []

    def fetch():
        n_asked.append(1)
        clock.turn(40)
        return write_set(make_rsa("one"))

    watcher = KeySetFollower(fetch, AGES, clock.read())
    assert find(watcher, "two") is None
    assert find(watcher, "two") is None
    assert len(n_asked) == 1


def test_a_set_is_as_old_as_the_request_for_it(clock):
    n_asked = []

    def fetch():
        n_asked.append(1)
        clock.turn(100)
        return write_set(make_rsa("one"))

    watcher = KeySetFollower(fetch, AGES, clock.read())
    find(watcher, "one")
    clock.turn(499)
    find(watcher, "one")
    assert len(n_asked) == 1
    clock.turn(1)
    find(watcher, "one")
    assert len(n_asked) == 2


def test_the_log_says_that_a_set_was_not_fetched_and_not_from_where(watcher, endpoint, caplog):
    endpoint.answer = OSError("https://ann:hunter2@id.bank.example refused")
    with caplog.at_level("INFO", logger="eagleray"), pytest.raises(KeySetError):
        find(watcher, "one")
    assert "key_set_not_fetched" in caplog.text
    assert "hunter2" not in caplog.text


def test_who_has_a_usable_key_does_not_wait_for_a_slow_endpoint(watcher, endpoint, clock):
    find(watcher, "one")
    clock.turn(600)
    endpoint.begun.clear()
    endpoint.gate.clear()
    slow = threading.Thread(target=lambda: find(watcher, "one"))
    slow.start()
    assert endpoint.begun.wait(timeout=20)
    try:
        assert find(watcher, "one") == "one"
        assert slow.is_alive()
    finally:
        endpoint.gate.set()
        slow.join(timeout=20)
    assert endpoint.n_asked == 2
