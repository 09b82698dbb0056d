/** Whether a server is up: seen from outside, so that looking costs it no system call. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where a server accepts. */
export type Address = { readonly path: string } | { readonly port: number };

/** TCP_LISTEN, as /proc/net/tcp writes it. */
const LISTEN = '0A';
/** SO_ACCEPTCON, as /proc/net/unix writes it. */
const ACCEPTS = '00010000';

/**
 * The process itself holds a socket that accepts there: a port of somebody else's would be loaded as readily, and measured. Loopback
 * only. false also when the process is gone.
 */
export function listens(pid: number, address: Address): boolean {
  try {
    const inodes = 'path' in address ? unixSockets(pid, address.path) : tcpSockets(pid, address.port);
    return inodes.length > 0 && socketsOf(pid).some((inode) => inodes.includes(inode));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function rows(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

/** Inodes of listening sockets on 127.0.0.1:port. */
function tcpSockets(pid: number, port: number): string[] {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return rows(`/proc/${pid}/net/tcp`).flatMap((row) => (row[1] === local && row[3] === LISTEN ? [row[9] ?? ''] : []));
}

/** Inodes of listening sockets bound to this name, as it was given to bind: relative names stay so. */
function unixSockets(pid: number, path: string): string[] {
  return rows(`/proc/${pid}/net/unix`).flatMap((row) => (row[7] === path && row[3] === ACCEPTS ? [row[6] ?? ''] : []));
}

function socketsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(join(directory, fd)))?.[1];
    return inode === undefined ? [] : [inode];
  });
}

/** Empty for one that was closed meanwhile. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
