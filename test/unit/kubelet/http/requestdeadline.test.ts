/** Who hears of the end of a request's time, and when. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { ConnectTimeoutError, RequestDeadline, connectError } from '../../../../src/kubelet/http/requestdeadline.ts';

const never = new AbortController().signal;

describe('a limit', () => {
  test('ends when its time is over', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const limit = new RequestDeadline(100, never);
      const told = mock.fn();
      limit.onEnd(told);
      mock.timers.tick(99);
      assert.equal(limit.ended, false);
      mock.timers.tick(1);
      assert.equal(limit.ended, true);
      const [reason] = told.mock.calls[0]?.arguments ?? [];
      assert.equal(reason, limit.reason);
      assert.equal((reason as Error).name, 'TimeoutError');
      assert.ok(connectError(reason) instanceof ConnectTimeoutError);
    } finally {
      mock.timers.reset();
    }
  });

  test('ends when the signal aborts, by its reason', () => {
    const controller = new AbortController();
    const limit = new RequestDeadline(60_000, controller.signal);
    const told = mock.fn();
    limit.onEnd(told);
    const reason = new Error('the node left');
    controller.abort(reason);
    assert.deepEqual(told.mock.calls[0]?.arguments, [reason]);
    assert.equal(connectError(reason), reason);
    limit.clear();
  });

  test('is over from the start under a signal that has aborted', async () => {
    const reason = new Error('it stops');
    const limit = new RequestDeadline(60_000, AbortSignal.abort(reason));
    assert.equal(limit.ended, true);
    const told = mock.fn();
    limit.onEnd(told);
    assert.deepEqual(told.mock.calls[0]?.arguments, [reason]);
    await assert.rejects(limit.until(new Promise(() => {})), reason);
    limit.clear();
  });

  test('tells the one who asked last, once, and nobody after it was cleared', () => {
    const controller = new AbortController();
    const first = mock.fn();
    const second = mock.fn();
    const limit = new RequestDeadline(60_000, controller.signal);
    limit.onEnd(first);
    limit.onEnd(second);
    limit.end(new Error('once'));
    limit.end(new Error('twice'));
    assert.equal(first.mock.callCount(), 0);
    assert.equal(second.mock.callCount(), 1);
    const cleared = new RequestDeadline(60_000, controller.signal);
    cleared.onEnd(first);
    cleared.clear();
    controller.abort();
    assert.equal(first.mock.callCount(), 0);
    limit.clear();
  });

  test('passes on what comes before its end', async () => {
    const limit = new RequestDeadline(60_000, never);
    assert.equal(await limit.until(Promise.resolve('in time')), 'in time');
    await assert.rejects(limit.until(Promise.reject(new Error('broken'))), /broken/);
    limit.clear();
  });
});
