import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAIN } from '../program.ts'

const ROOT = resolve(import.meta.dirname, '../..')

describe('demo world', () => {
  it('an installed package without the testnet says kindly what is missing, and ends with 1', () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-installed-'))
    cpSync(dirname(MAIN), join(folder, 'dist'), { recursive: true })
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'dist/main.js'), 'demo'])
    expect(status).toBe(1)
    expect(stderr.toString()).toBe(
      'purser: The demo needs a checkout of Purser with its development dependencies: a local chain and paid servers.\n' +
        'Clone the repository, run `npm ci`, then `npm run demo`.\n',
    )
  })
})
