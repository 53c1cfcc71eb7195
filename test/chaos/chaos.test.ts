/**
 * Histories of a whole world, lived through in processes of their own (test/chaos/run.ts says how to ask for more of them,
 * and how a failing one is seen again).
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CONTROLS } from './controls/controls.ts'

/** As many as leave the other tests their time; run.ts lives through 100,000 where it is not told otherwise. */
const HISTORIES = Number.parseInt(process.env.PURSER_HISTORIES ?? '60000', 10)
const COMMAND = fileURLToPath(new URL('run.ts', import.meta.url))
/** Two quiet cores take 3 to 5; slower ones that have other tests to run beside, several times as long. */
const MS_PER_HISTORY = 20

const endedSchema = z
  .object({ code: z.int(), stdout: z.string(), stderr: z.string() })
  .transform(({ code, stdout, stderr }) => ({ code, text: stdout + stderr }))
type Ended = z.infer<typeof endedSchema>

async function campaign(...flags: readonly string[]): Promise<Ended> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...flags], { maxBuffer: 16 * 1024 * 1024 })
    return { code: 0, text: stdout }
  } catch (cause) {
    return endedSchema.parse(cause)
  }
}

describe('whatever crashes, lies, is late or is lost', () => {
  it(`no cap or window is broken, nothing is paid twice, lost or held for ever, in ${HISTORIES} histories of one to four processes`, {
    timeout: HISTORIES * MS_PER_HISTORY + 60_000,
  }, async () => {
    const { code, text } = await campaign('--histories', String(HISTORIES))
    expect(code, text).toBe(0)
    expect(text).toMatch(new RegExp(`^${HISTORIES} histories, `))
  })
})

describe('the same histories find a fault within 1,000 of them where', () => {
  it.each(CONTROLS)('$name is built in, by $breaks', { timeout: 300_000 }, async ({ name, breaks }) => {
    const { code, text } = await campaign('--histories', '1000', '--workers', '1', '--control', name)
    expect(code, text).toBe(1)
    expect(text).toMatch(new RegExp(`seed \\d+: ${breaks}: `))
    expect(text).toContain(`Again: node test/chaos/run.ts --seed`)
  })
})

describe('a seed', () => {
  it('lives through the very same history each time', { timeout: 120_000 }, async () => {
    const seeds = ['--histories', '40', '--workers', '1', '--from', '501']
    const [first, second] = [await campaign(...seeds), await campaign(...seeds)]
    const counts = ({ text }: Ended) => text.replace(/, [\d.]+ s\n/, '')
    expect(counts(first)).toMatch(/^40 histories, \d+ payments signed, \d+ steps, digest [0-9a-f]+/)
    expect(counts(second)).toBe(counts(first))
  })
})
