/** Every adapter runs the one suite. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    async dispose() {
      await ledger[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

ledgerConformance('sqlite', openSqliteStore)
