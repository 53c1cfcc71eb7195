/** Every adapter runs the one suite. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { SharedLedger } from '../../src/ledger/shared.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, type TestClock } from '../clock.ts'
import { ledgerConformance, type Store, type StoreOptions } from './ledger.ts'

async function openSqliteStore(clock: TestClock, options: StoreOptions): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-ledger-'))
  const counted = countingIds()
  const ids = (prefix: string) => counted(`${prefix}_own`)
  const open = () => openSqliteLedger({ ...options, file: join(folder, 'ledger.db'), clock, ids, runId: ids('run') })
  let ledger = await open()
  return {
    clock,
    ledger: () => ledger,
    async restart() {
      await ledger[Symbol.asyncDispose]()
      ledger = await open()
      return ledger
    },
    async second() {
      const run = ids('run')
      ledger.workers.add(run)
      return asWorker(ledger, run)
    },
    async dispose() {
      await ledger[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** As a worker's calls are answered: the same ledger, for another run. */
function asWorker(ledger: SharedLedger, run: string): Ledger {
  const own: Pick<Ledger, 'resume' | 'reserve'> = {
    resume: (purchase) => ledger.resume(purchase, run),
    reserve: (request) => ledger.reserve(request, run),
  }
  return new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(name in own ? own : target, name)
      return typeof value === 'function' ? value.bind(name in own ? own : target) : value
    },
  })
}

ledgerConformance('sqlite', openSqliteStore, { shared: true })
