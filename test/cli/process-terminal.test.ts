import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { MAIN } from '../program.ts'
import { close, listen } from '../testnet/doors.ts'
import { spawnPurser } from './running-purser.ts'

describe('process terminal', () => {
  it('results go to standard output, failures to standard error, the code to the process', async () => {
    const version = await spawnPurser(['--version'])
    expect(version).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^\d/) })
    const wrong = await spawnPurser(['nonsense'])
    expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringContaining('unknown command') })
  })

  it('writes no colours where nobody looks', async () => {
    const { out, err } = await spawnPurser(['--help'])
    expect(`${out}${err}`.includes('\u001b')).toBe(false)
  })

  it('an interrupted command ends with 1 and says so', async () => {
    let interrupt = () => {}
    const silent = createServer(() => interrupt())
    const env = { PURSER_ADMIN_URL: `http://127.0.0.1:${await listen(silent)}`, PURSER_ADMIN_TOKEN: 't' }
    const child = spawn(process.execPath, [MAIN, 'balance', 'x'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    interrupt = () => child.kill('SIGINT')
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text
    })
    const [code] = await once(child, 'close')
    await close(silent)
    expect([code, err]).toEqual([1, 'purser: Interrupted.\n'])
  })

  it('a reader that has seen enough ends the command well', () => {
    const script = `"${process.execPath}" "${MAIN}" --help | head -n 1; echo "\${PIPESTATUS[0]}"`
    expect(execFileSync('/bin/bash', ['-c', script]).toString()).toMatch(/^Usage: purser.*\n0\n$/)
  })
})
