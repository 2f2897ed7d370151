/** Compiles the program as `npm run build` does. */
import { cp, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../cluster/command.ts';

const project = path.resolve(import.meta.dirname, '../..');

/** Returns the entry of the program, which is compiled into the folder, beside the packages that it needs. */
export async function compileProgram(folder: string): Promise<string> {
  const out = path.join(folder, 'dist');
  await run(path.join(project, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', out], {
    cwd: project,
  });
  await cp(path.join(project, 'src/ui/page'), path.join(out, 'ui/page'), {
    recursive: true,
    filter: (file) => !file.endsWith('.json'),
  });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await symlink(path.join(project, 'node_modules'), path.join(folder, 'node_modules'));
  return path.join(out, 'main.js');
}
