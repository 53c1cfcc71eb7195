/** The PostgreSQL adapter runs the one suite, against a real server; every test finds an empty ledger. */
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { ClientStore } from '../../src/ledger/postgres/client-store.ts'
import { openGround } from '../../src/ledger/postgres/ground.ts'
import { composePostgresLedger } from '../../src/ledger/postgres.ts'
import { countingIds, type TestClock } from '../clock.ts'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { ledgerConformance, type Store, type StoreOptions } from './ledger.ts'

let server: PostgresServer | undefined

const SCHEMA = 'ledger'
const LANES = 2
/** In an order that foreign keys allow. */
const EMPTY = `DO $$ DECLARE one text; BEGIN
  IF to_regclass('${SCHEMA}.lanes') IS NULL THEN RETURN; END IF;
  DELETE FROM ${SCHEMA}.lanes;
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = '${SCHEMA}' AND tablename <> 'migrations' LOOP
    EXECUTE format('DELETE FROM ${SCHEMA}.%I', one);
  END LOOP;
END $$`

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function openPostgresStore(clock: TestClock, options: StoreOptions): Promise<Store> {
  if (!server) throw new Error('the server is not running')
  const url = server.url()
  await server.query(EMPTY)
  const counted = countingIds()
  const ids = (prefix: string) => counted(`${prefix}_own`)
  const opened: Ledger[] = []
  const open = async () => {
    // The clock of the tests leaps for hours; whether a run is alive is a matter of real time.
    const run = { runId: ids('run'), instance: null, lanes: LANES, unsafeAsyncReplication: false, clock: systemClock }
    const ground = await openGround({ ...run, url, schema: SCHEMA })
    const ledger = await composePostgresLedger(new ClientStore(ground, LANES), { ...options, clock, ids })
    opened.push(ledger)
    return ledger
  }
  let ledger = await open()
  return {
    clock,
    ledger: () => ledger,
    async restart() {
      await ledger[Symbol.asyncDispose]()
      ledger = await open()
      return ledger
    },
    second: open,
    async dispose() {
      for (const one of opened) await one[Symbol.asyncDispose]()
    },
  }
}

ledgerConformance('postgres', openPostgresStore, { shared: true })
