import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAIN as BUNDLED } from './program.ts'

const MAIN = resolve(import.meta.dirname, '../src/main.ts')

describe('main', () => {
  it('runs by itself: help ends with 0', () => {
    expect(execFileSync(process.execPath, [MAIN, '--help']).toString()).toContain('Usage: purser')
  })

  it('an older Node gets one clear sentence and exit code 1, before anything modern is loaded', () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-main-'))
    const pretend = join(folder, 'main.mjs')
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n`
    writeFileSync(pretend, old + stripTypeScriptTypes(readFileSync(MAIN, 'utf8').replace(/^#!.*\n/, '')))
    const { status, stderr, stdout } = spawnSync(process.execPath, [pretend, 'serve'])
    expect(status).toBe(1)
    expect(stderr.toString()).toBe('purser needs Node 24 or newer; this is Node 20.20.2. Install a newer one from https://nodejs.org.\n')
    expect(stdout.toString()).toBe('')
  })

  it('bundled, its stack traces name our sources', () => {
    const probe = 'const write = process.stdout.write; process.stdout.write = (text) => write.call(process.stdout, new Error(text).stack)'
    const said = execFileSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(probe)}`, BUNDLED, '--version'])
    expect(said.toString()).toMatch(/at .*\/src\/cli\/process-terminal\.ts:\d+:\d+/)
  })

  it('is the only file that ends the process', () => {
    const uses = execFileSync('grep', ['-rlE', 'process\\.exit\\(', resolve(MAIN, '..')])
      .toString()
      .trim()
    expect(uses).toBe(MAIN)
  })
})
