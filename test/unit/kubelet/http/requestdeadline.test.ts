/** When a request's deadline ends, and which listener it calls. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { ConnectTimeoutError, RequestDeadline, connectError } from '../../../../src/kubelet/http/requestdeadline.ts';

const never = new AbortController().signal;

describe('a deadline', () => {
  test('ends when its time is over', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const deadline = new RequestDeadline(100, never);
      const listener = mock.fn();
      deadline.onEnd(listener);
      mock.timers.tick(99);
      assert.equal(deadline.ended, false);
      mock.timers.tick(1);
      assert.equal(deadline.ended, true);
      const [reason] = listener.mock.calls[0]?.arguments ?? [];
      assert.equal(reason, deadline.reason);
      assert.equal((reason as Error).name, 'TimeoutError');
      assert.ok(connectError(reason) instanceof ConnectTimeoutError);
    } finally {
      mock.timers.reset();
    }
  });

  test('ends when the signal aborts, with its reason', () => {
    const controller = new AbortController();
    const deadline = new RequestDeadline(60_000, controller.signal);
    const listener = mock.fn();
    deadline.onEnd(listener);
    const reason = new Error('the node left');
    controller.abort(reason);
    assert.deepEqual(listener.mock.calls[0]?.arguments, [reason]);
    assert.equal(connectError(reason), reason);
    deadline.clear();
  });

  test('has ended from the start if the signal has aborted', async () => {
    const reason = new Error('it stops');
    const deadline = new RequestDeadline(60_000, AbortSignal.abort(reason));
    assert.equal(deadline.ended, true);
    const listener = mock.fn();
    deadline.onEnd(listener);
    assert.deepEqual(listener.mock.calls[0]?.arguments, [reason]);
    await assert.rejects(deadline.until(new Promise(() => {})), reason);
    deadline.clear();
  });

  test('calls the latest listener once, and none after it was cleared', () => {
    const controller = new AbortController();
    const first = mock.fn();
    const second = mock.fn();
    const deadline = new RequestDeadline(60_000, controller.signal);
    deadline.onEnd(first);
    deadline.onEnd(second);
    deadline.end(new Error('once'));
    deadline.end(new Error('twice'));
    assert.equal(first.mock.callCount(), 0);
    assert.equal(second.mock.callCount(), 1);
    const cleared = new RequestDeadline(60_000, controller.signal);
    cleared.onEnd(first);
    cleared.clear();
    controller.abort();
    assert.equal(first.mock.callCount(), 0);
    deadline.clear();
  });

  test('passes on a result that comes before its end', async () => {
    const deadline = new RequestDeadline(60_000, never);
    assert.equal(await deadline.until(Promise.resolve('in time')), 'in time');
    await assert.rejects(deadline.until(Promise.reject(new Error('broken'))), /broken/);
    deadline.clear();
  });
});
