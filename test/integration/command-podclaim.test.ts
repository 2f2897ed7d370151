/** Two processes of one pod: the claim by a real socket, and what the second server leaves alone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { claimPod } from '../../src/command/podclaim.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';

const skip = process.platform !== 'linux' && 'only Linux has sockets without files, and pods of ours';

function options(uid: string) {
  const recorded = createRecordingLog();
  return { recorded, claim: { uid, cluster: 'https://10.96.0.1:443', clock: createFakeClock(), log: recorded.log } };
}

describe('the claim of a pod', { skip }, () => {
  test('is held by one process, and other pods and clusters have their own', async () => {
    const uid = randomUUID();
    const { recorded, claim } = options(uid);
    await using first = await claimPod(claim);
    await using second = await claimPod(claim);
    await using otherPod = await claimPod({ ...claim, uid: randomUUID() });
    await using otherCluster = await claimPod({ ...claim, cluster: 'https://10.96.0.1:6443' });
    assert.deepEqual(
      [first, second, otherPod, otherCluster].map((each) => each.isHeld()),
      [true, false, true, true],
    );
    assert.equal(recorded.lines.filter((line) => line.includes('another process of this pod')).length, 1);
  });

  test('ends with its process, also by SIGKILL', async () => {
    const uid = randomUUID();
    const { claim } = options(uid);
    const module = new URL('../../src/command/podclaim.ts', import.meta.url).href;
    const script = `import { claimPod } from ${JSON.stringify(module)};
      const log = { error() {}, warn() {}, info() {} };
      const claim = await claimPod({ uid: '${uid}', cluster: '${claim.cluster}', clock: undefined, log });
      console.log(claim.isHeld());
      setInterval(() => undefined, 1_000);`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [said] = (await once(other.stdout, 'data')) as [Buffer];
      assert.equal(said.toString().trim(), 'true');
      await using during = await claimPod(claim);
      assert.equal(during.isHeld(), false);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'close');
    }
    await using later = await claimPod(claim);
    assert.equal(later.isHeld(), true);
  });

  test('is not needed on other systems', async () => {
    const uid = randomUUID();
    const { claim } = options(uid);
    await using first = await claimPod({ ...claim, platform: 'darwin' });
    await using second = await claimPod({ ...claim, platform: 'darwin' });
    assert.deepEqual([first.isHeld(), second.isHeld()], [true, true]);
  });
});
