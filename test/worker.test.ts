import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { MAIN } from './program.ts'

describe('a worker', () => {
  it('is started by nobody but a primary', async () => {
    const child = spawn(process.execPath, [MAIN, 'worker'], { stdio: ['ignore', 'ignore', 'pipe'] })
    const said = text(child.stderr)
    const [code] = await once(child, 'exit')
    expect([code, await said]).toEqual([2, expect.stringContaining('A worker is started by `purser serve`')])
  })
})
