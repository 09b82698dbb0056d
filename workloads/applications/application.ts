/**
 * What an entry of the catalogue of applications says: a real program with all that one run of it needs. Data; who
 * carries it out is harness/applications.
 */

/** Where a run takes place. Every run has a directory of its own, in which its words are started. */
export interface Place {
  readonly directory: string;
  /** Of 127.0.0.1, free a moment ago; 0 where none is wanted. */
  readonly port: number;
}

/** Started and loaded from outside the traced tree, then ended by SIGTERM, which it must take as a reason to exit with 0. */
export interface Server {
  /** Where it accepts, itself and not a child: `socket` in its directory, or the place's port of 127.0.0.1. */
  readonly listens: 'unix' | 'tcp';
  /** The load generator; it ends by itself. */
  load(place: Place): readonly string[];
}

/** What the program is used for, as a number. */
export interface Figure {
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** From what was printed by the load generator, or by the program where there is none; or from the time of the whole run. */
  readonly from:
    | { readonly output: (text: string) => number }
    | { readonly run: { /** Work of one run, in the unit of the figure without its /s. */ readonly amount: number } };
}

export interface Application {
  readonly name: string;
  /** One line for tables and `tracebench list`. */
  readonly title: string;
  /** Debian packages, beyond those that every installation has. */
  readonly packages: readonly string[];
  /** Looked up over PATH and the directories of system programs, or absolute. */
  readonly programs: readonly string[];
  /** false: it does what it can in a given time, so the number of its calls is a result and not a given. */
  readonly fixedWork: boolean;
  /** Of a bare run, roughly: predicts how long a study takes, nothing else. */
  readonly about: { readonly ms: number; readonly calls: number };
  /** Makes what the run finds, equal for each: all that is random in it comes from a constant seed. */
  prepare(place: Place): void;
  /** The command that is traced; relative names are of the place's directory. */
  readonly argv: readonly string[];
  /** null: it ends by itself. */
  readonly server: Server | null;
  readonly figure: Figure;
}
