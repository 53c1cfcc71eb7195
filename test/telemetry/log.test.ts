import { execFile } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { PurserError } from '../../src/errors.ts'
import { LOG_BATCH_BYTES } from '../../src/hot-path-limits.ts'
import { MAX_LOG_MEMBERS, MAX_LOG_VALUE_CHARS } from '../../src/limits.ts'
import { batched, cleanText, createLog, scrubMembers } from '../../src/telemetry/log.ts'

function logged(level = 'info') {
  const lines: string[] = []
  const log = createLog({ level, destination: { write: (line) => lines.push(line) } })
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? 'null') }
}

describe('log lines', () => {
  it('are one JSON object each, with level and time in words', () => {
    const { log, lines, last } = logged()
    log.info({ amount: 4_999_000n }, 'hello')
    expect(lines).toHaveLength(1)
    expect(last()).toMatchObject({ level: 'info', msg: 'hello', amount: '4999000', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) })
  })

  it('say when they were written, to the millisecond', () => {
    using time = vi.spyOn(Date, 'now')
    const { log, last } = logged()
    for (const now of [1_700_000_000_000, 1_700_000_000_007, 1_700_000_001_042, 1_700_000_000_999]) {
      time.mockReturnValue(now)
      log.info('x')
      expect(last()).toMatchObject({ time: new Date(now).toISOString() })
    }
  })

  it('show every member once, whatever its name', () => {
    const { log, lines } = logged()
    log.info(JSON.parse('{"__proto__":1,"constructor":2,"hasOwnProperty":3}'), 'x')
    expect(lines.at(-1)).toContain('"[proto]":1,"constructor":2,"hasOwnProperty":3')
  })

  it('below the level are not written', () => {
    const { log, lines } = logged('warn')
    log.info('quiet')
    expect(lines).toEqual([])
  })

  it.each([
    'authorization',
    'Proxy-Authorization',
    'token',
    'sessionToken',
    'adminSecret',
    'password',
    'Set-Cookie',
    'signature',
    'PAYMENT-SIGNATURE',
    'x-payment',
    'privateKey',
    'key',
    'walletKey',
    'headers',
  ])('never show the value of a member called %s, at any depth', (name) => {
    const { log, lines } = logged()
    log.info({ [name]: 'canary-4711', deep: { list: [{ [name]: ['canary-4711'] }] } }, 'x')
    expect(lines.join()).not.toContain('canary-4711')
    expect(lines.join()).toContain('[redacted]')
  })

  it.each([
    ['a session token', `pst_${'Qx7-_'.repeat(8)}`],
    ['an admin token', `pat_${'Qx7-_'.repeat(8)}`],
    ['a bearer token', `Bearer ${'Qx7'.repeat(9)}`],
    ['basic credentials', `Basic ${Buffer.from('ses_1:canary-canary').toString('base64')}`],
    ['a payment header', Buffer.from('{"x402Version":2,"payload":{}}').toString('base64')],
    ['a signature', `0x${'ab'.repeat(65)}`],
    ['credentials in a URL', 'http://ses_1:canary-token@127.0.0.1:4020'],
  ])('never show text of the form of %s, in members, messages and faults', (_, secret) => {
    const { log, lines } = logged()
    log.info({ note: `it was ${secret}`, list: [secret] }, `message ${secret}`)
    log.error(new Error(`failed with ${secret}`, { cause: new Error(secret) }))
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain(secret)
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
  })

  it('show transaction hashes, ids and codes', () => {
    const { log, last } = logged()
    const members = { transaction: `0x${'1f'.repeat(32)}`, paymentId: 'pay_Q3mZabcdefgh', code: 'session_invalid', idempotencyKeys: 1 }
    log.info(members, 'exchange')
    expect(last()).toMatchObject(members)
  })

  it('describe a fault by name, message, stack and causes, and by no other member', () => {
    const { log, last, lines } = logged()
    const fault = Object.assign(new PurserError({ code: 'ledger_unavailable', detail: 'disk', amount: 5n }, new Error('EIO')), {
      request: 'canary',
    })
    log.error({ err: fault }, 'fault')
    expect(last()).toMatchObject({ err: { name: 'PurserError', message: 'ledger_unavailable: disk', cause: { message: 'EIO' } } })
    expect(lines.join()).not.toContain('canary')
  })
})

describe('values from outside', () => {
  it('lose control, direction and invisible characters', () => {
    expect(cleanText('a\u001b[31mb\r\nc\u202ed\u200be\u0085f')).toBe('a\ufffd[31mb\ufffd\ufffdc\ufffdd\ufffde\ufffdf')
  })

  it('are bounded in length, number and depth', () => {
    expect(cleanText('x'.repeat(1e6)).length).toBe(MAX_LOG_VALUE_CHARS + 1)
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, i]))
    expect(Object.keys(scrubMembers(wide))).toHaveLength(MAX_LOG_MEMBERS)
    const deep: Record<string, unknown> = {}
    deep.self = deep
    expect(JSON.stringify(scrubMembers(deep))).toContain('[deeper]')
  })

  it('of every kind give a line that can be written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything({ withBigInt: true })), (members) => {
        expect(() => JSON.stringify(scrubMembers(members))).not.toThrow()
      }),
    )
  })
})

describe('lines that leave together', () => {
  function intoFile() {
    const folder = mkdtempSync(join(tmpdir(), 'purser-log-'))
    const fd = openSync(join(folder, 'log'), 'a')
    const log = createLog({ level: 'info', destination: batched(fd) })
    const written = () => readFileSync(join(folder, 'log'), 'utf8')
    const flushed = () => new Promise((resolve) => log.flush(resolve))
    const dispose = () => {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
    return { log, written, flushed, [Symbol.dispose]: dispose }
  }

  it('wait for each other, and leave at once where they are told to', async () => {
    using file = intoFile()
    file.log.info('first')
    file.log.info('second')
    expect(file.written()).toBe('')
    await file.flushed()
    expect(file.written()).toMatch(/"first"[^\n]*\n[^\n]*"second"[^\n]*\n$/)
  })

  it('are whole in each write, however many there are', async () => {
    using file = intoFile()
    const fill = 'x'.repeat(LOG_BATCH_BYTES / 8)
    for (let i = 0; i < 100; i++) file.log.info({ i, fill }, 'line')
    await file.flushed()
    const lines = file.written().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).i)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it.each(['process.exit(0)', "throw new Error('unforeseen')", ''])('leave when the process ends by “%s”', async (end) => {
    const program = `
      import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/telemetry/log.ts'))}
      createLog({ level: 'info' }).info('the last words')
      ${end}`
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]).catch((fault) => fault)
    expect(stderr).toContain('the last words')
  })
})
