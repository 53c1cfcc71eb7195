import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConsole } from '../../src/admin/console-files.ts'
import { MAX_CONSOLE_BYTES, MAX_CONSOLE_FILES } from '../../src/people-limits.ts'

async function built(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'purser-console-'))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

const text = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString()

describe('console-files', () => {
  it('are the page and its assets, by the paths under which they are asked for', async () => {
    await using build = await built({ 'index.html': '<p>', 'assets/a-1.js': 'x', 'assets/fonts/b.woff2': 'y', 'assets/secret.pem': 'z' })
    const files = await readConsole(build.folder)
    expect([files?.page.type, text(files?.page.content)]).toEqual(['text/html; charset=utf-8', '<p>'])
    expect([...(files?.assets ?? [])].map(([path, { type, content }]) => [path, type, text(content)]).sort()).toEqual([
      ['/assets/a-1.js', 'text/javascript; charset=utf-8', 'x'],
      ['/assets/fonts/b.woff2', 'font/woff2', 'y'],
    ])
  })

  it('a link to a file elsewhere is no asset', async () => {
    await using build = await built({ 'index.html': '<p>', 'assets/a-1.js': 'x', 'outside.js': 'secret' })
    await symlink(join(build.folder, 'outside.js'), join(build.folder, 'assets/link.js'))
    expect([...((await readConsole(build.folder))?.assets.keys() ?? [])]).toEqual(['/assets/a-1.js'])
  })

  it('are nothing where the console was never built', async () => {
    await using build = await built({ 'assets/a-1.js': 'x' })
    expect(await readConsole(build.folder)).toBeUndefined()
    expect(await readConsole(join(build.folder, 'none'))).toBeUndefined()
  })

  it('are refused where there is more than any build has', async () => {
    await using large = await built({ 'index.html': '', 'assets/a.js': 'x'.repeat(MAX_CONSOLE_BYTES + 1) })
    await expect(readConsole(large.folder)).rejects.toThrow('bytes')
    const names = Array.from({ length: MAX_CONSOLE_FILES + 1 }, (_, n) => [`assets/${n}.js`, ''])
    await using many = await built({ 'index.html': '', ...Object.fromEntries(names) })
    await expect(readConsole(many.folder)).rejects.toThrow('files')
  })
})
