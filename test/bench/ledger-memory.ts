/** A process of its own: what open sessions take of its memory. Prints the bytes of heap and of all, before and after. */
import { z } from 'zod'
import { reopened } from './ledger-contenders.ts'
import { bulkSession } from './ledger-fill.ts'

const [file = '', sessions = '0'] = process.argv.slice(2)

/** What is left when all that can be thrown away is. */
function settled(): { readonly heap_bytes: number; readonly resident_bytes: number } {
  if (!globalThis.gc) throw new Error('start it with --expose-gc')
  globalThis.gc()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap_bytes: heapUsed, resident_bytes: rss }
}

const ledger = await reopened(file)
const before = settled()
for (let n = 0; n < z.coerce.number().parse(sessions); n++) {
  if (!(await ledger.session(bulkSession(n).sessionId))) throw new Error(`session ${n} is not there`)
}
const after = settled()
await ledger[Symbol.asyncDispose]()
process.stdout.write(`${JSON.stringify({ before, after })}\n`)
