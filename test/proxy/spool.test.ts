import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createSpool } from '../../src/proxy/spool.ts'

const canary = Buffer.from('canary-body-'.repeat(10))

/** Files of this process that have no name any more. */
function unnamedFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return /purser-[0-9a-f]{32} \(deleted\)$/.test(path) ? [`/proc/self/fd/${fd}`] : []
    } catch {
      return []
    }
  })
}

describe('spool', () => {
  it('gives back what was written, behind what it is given first', async () => {
    const file = createSpool({ file_bytes: 1000, total_bytes: 1000 }).create()
    expect(await file.write(Buffer.from('one '))).toBe(true)
    expect(await file.write(Buffer.from('two'))).toBe(true)
    expect(String(await buffer(file.read(Buffer.from('zero '))))).toBe('zero one two')
    expect(String(await buffer(file.read(Buffer.from(''))))).toBe('one two')
    await file.close()
  })

  it.runIf(process.platform === 'linux')('the file has no name, and its bytes are not the body', async () => {
    const file = createSpool({ file_bytes: 1000, total_bytes: 1000 }).create()
    await file.write(canary)
    const [path] = unnamedFiles()
    if (path === undefined) throw new Error('no file without a name')
    const stored = readFileSync(path)
    expect(stored).toHaveLength(canary.length)
    expect(stored.includes('canary')).toBe(false)
    await file.close()
    expect(unnamedFiles()).toEqual([])
  })

  it('two files of the same body have nothing in common', async () => {
    const spool = createSpool({ file_bytes: 1000, total_bytes: 1000 })
    const files = [spool.create(), spool.create()]
    for (const file of files) await file.write(canary)
    if (process.platform === 'linux') {
      const [one, two] = unnamedFiles().map((path) => readFileSync(path))
      expect(one).not.toEqual(two)
    }
    for (const file of files) await file.close()
  })

  it('takes no more than a file may have, nor than all may have together', async () => {
    const spool = createSpool({ file_bytes: 100, total_bytes: 150 })
    const [one, two] = [spool.create(), spool.create()]
    expect(await one.write(Buffer.alloc(100))).toBe(true)
    expect(await one.write(Buffer.alloc(1))).toBe(false)
    expect(await two.write(Buffer.alloc(51))).toBe(false)
    expect(await two.write(Buffer.alloc(50))).toBe(true)
    expect(spool.used()).toBe(150)
    await one.close()
    await one.close()
    expect(spool.used()).toBe(50)
    await two.close()
    expect(spool.used()).toBe(0)
  })
})
