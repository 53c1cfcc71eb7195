import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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

  it('keeps what Node compiled of it beside the program', () => {
    const root = mkdtempSync(join(tmpdir(), 'purser-main-'))
    const packaged = join(root, 'dist')
    cpSync(resolve(BUNDLED, '..'), packaged, { recursive: true })
    symlinkSync(resolve(MAIN, '../../node_modules'), join(root, 'node_modules'))
    copyFileSync(resolve(MAIN, '../../package.json'), join(root, 'package.json'))
    execFileSync(process.execPath, [join(packaged, 'main.js'), '--version'], { env: {} })
    expect(readdirSync(join(root, '.compiled'))).not.toHaveLength(0)
    rmSync(root, { recursive: true })
  })

  it('loads for a start neither Node’s own fetch nor what people or only some configurations need', () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-main-'))
    const config = { dataDir: './data', proxy: { listen: '127.0.0.1:0' }, admin: { listen: '127.0.0.1:0' } }
    writeFileSync(join(folder, 'purser.yaml'), JSON.stringify(config))
    // Says what is loaded by the time at which the program says that it serves, and ends it.
    const probe = `import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const write = process.stdout.write
      process.stdout.write = () => {
        write.call(process.stdout, JSON.stringify([...process.moduleLoadList, ...loaded]))
        process.kill(process.pid, 'SIGTERM')
      }`
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(probe)}`]
    const serve = [BUNDLED, 'serve', '--json', '--config', join(folder, 'purser.yaml')]
    const loadedBy = (): string[] => JSON.parse(execFileSync(process.execPath, [...preload, ...serve]).toString())
    // The first one makes the local authority.
    loadedBy()
    const loaded = loadedBy()
    rmSync(folder, { recursive: true })
    expect(loaded).toContain('NativeModule sqlite')
    const late =
      /deps\/undici|node_modules\/(?!secp256k1|node-gyp-build)|\/(admin|agent-door|certificates|desk|oidc|postgres|undici)-[^/]*$/
    expect(loaded.filter((name) => late.test(name))).toEqual([])
  })

  it.each([
    ['14.6.202.34-node.34', ['--external-memory-accounted-in-global-limit']],
    ['14.8.1', []],
  ])('asks V8 %s for what later ones do by themselves, and these for nothing: they know the flag no more', (version, flags) => {
    const probe = `import v8 from 'node:v8'
      Object.defineProperty(process.versions, 'v8', { value: ${JSON.stringify(version)} })
      const flags = []
      v8.setFlagsFromString = (flag) => flags.push(flag)
      const write = process.stdout.write
      process.stdout.write = () => write.call(process.stdout, JSON.stringify(flags))`
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(probe)}`]
    expect(JSON.parse(execFileSync(process.execPath, [...preload, BUNDLED, '--version']).toString())).toEqual(flags)
  })

  it('is the only file that ends the process', () => {
    const uses = execFileSync('grep', ['-rlE', 'process\\.exit\\(', resolve(MAIN, '..')])
      .toString()
      .trim()
    expect(uses).toBe(MAIN)
  })
})
