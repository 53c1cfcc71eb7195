import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openHighMark } from '../../../src/ledger/postgres/mark.ts'

const folder = mkdtempSync(join(tmpdir(), 'purser-mark-'))
afterAll(() => rmSync(folder, { recursive: true }))
const refuse = { accept: false }

describe('the high-water mark of a shared ledger', () => {
  it('is found again by the next start', () => {
    const path = join(folder, 'a.mark')
    using first = openHighMark(path, refuse)
    expect(first.found).toBeUndefined()
    first.write({ ledgerId: 'led_1', high: 7n })
    first.write({ ledgerId: 'led_1', high: 9n })
    using second = openHighMark(path, refuse)
    expect(second.found).toEqual({ ledgerId: 'led_1', high: 9n })
  })

  it('is compared and never written by a worker, whose primary writes it', () => {
    const path = join(folder, 'worker.mark')
    using primary = openHighMark(path, refuse)
    primary.write({ ledgerId: 'led_1', high: 7n })
    using worker = openHighMark(path, { ...refuse, writes: false })
    expect(worker.found).toEqual({ ledgerId: 'led_1', high: 7n })
    worker.write({ ledgerId: 'led_1', high: 5n })
    using next = openHighMark(path, refuse)
    expect(next.found).toEqual({ ledgerId: 'led_1', high: 7n })
  })

  it('that cannot be read stops the start, unless a person accepts the server as it is', () => {
    const path = join(folder, 'b.mark')
    writeFileSync(path, 'spoiled')
    expect(() => openHighMark(path, refuse)).toThrow(/cannot be read.*--accept-restored-ledger/)
    using accepted = openHighMark(path, { accept: true })
    expect(accepted.found).toBeUndefined()
  })

  it('is passed over and written anew where a person accepts the server as it is', () => {
    const path = join(folder, 'c.mark')
    using first = openHighMark(path, refuse)
    first.write({ ledgerId: 'led_1', high: 9n })
    using accepted = openHighMark(path, { accept: true })
    expect(accepted.found).toBeUndefined()
    accepted.write({ ledgerId: 'led_2', high: 3n })
    using third = openHighMark(path, refuse)
    expect(third.found).toEqual({ ledgerId: 'led_2', high: 3n })
  })
})
