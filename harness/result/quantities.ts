/** Numbers of which every part of a result is made. */
import { z } from 'zod';

export const count = z.int().nonnegative();
export const ns = z.number().nonnegative();
