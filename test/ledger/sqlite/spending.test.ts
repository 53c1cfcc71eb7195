import { describe, expect, it } from 'vitest'
import { workbench } from './workbench.ts'

describe('spending', () => {
  it('adds up by session and bucket, and takes back', () => {
    const { accounts, tables, write, make } = workbench()
    const [one, two] = [make.session(), make.session()]
    for (const session of [one, two]) write((tx) => accounts.open(tx, session))
    const bucket = { sessionId: one.id, bucket: 'tool:web' }
    write((tx) => tables.spending.add(tx, bucket, 3n))
    write((tx) => tables.spending.add(tx, bucket, 4n))
    write((tx) => tables.spending.takeBack(tx, bucket, 2n))
    expect(tables.spending.used(bucket)).toBe(5n)
    expect(tables.spending.used({ ...bucket, sessionId: two.id })).toBe(0n)
    expect(tables.spending.used({ ...bucket, bucket: 'tool:other' })).toBe(0n)
  })

  it('never falls below nothing', () => {
    const { accounts, tables, write, make } = workbench()
    const session = write((tx) => accounts.open(tx, make.session()))
    const bucket = { sessionId: session.id, bucket: 'tool:web' }
    write((tx) => tables.spending.add(tx, bucket, 1n))
    expect(() => write((tx) => tables.spending.takeBack(tx, bucket, 2n))).toThrow('would not balance')
  })
})
