/** What a durable commit costs on a disk at least. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './statistics.ts'

const FSYNCS = 100

/** Median of one append and fdatasync in this folder, in milliseconds. */
export function fsync_ms(folder: string): number {
  const file = openSync(join(folder, 'fsync'), 'w')
  const took = Array.from({ length: FSYNCS }, () => {
    const started = performance.now()
    writeSync(file, 'x'.repeat(4096))
    fdatasyncSync(file)
    return performance.now() - started
  })
  closeSync(file)
  return median(took)
}
