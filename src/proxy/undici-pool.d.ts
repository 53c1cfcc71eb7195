/** The index of undici loads its fetch, its caches and its WebSocket too: 45 ms of a start and 8 MB. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici'

  export = Pool
}
