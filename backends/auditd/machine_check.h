/* SPDX-License-Identifier: Apache-2.0 */
/* Whether audit can be used here, asked of audit itself. Changes nothing. */
#ifndef TRACEBENCH_AUDITD_MACHINE_CHECK_H
#define TRACEBENCH_AUDITD_MACHINE_CHECK_H

#include "control.h"
#include "source.h"
#include "variant.h"

namespace tb::auditd
{

/* The reason and the mend for an error of the control channel. Returns code. */
int explain(tb_error *err, int code, const char *operation);

/* Fills *status. 0, or -errno: EBUSY where audit is somebody else's, ENOTSUP where it cannot be used as it is. */
int check_status(Control &control, const Variant &variant, audit_status *status, tb_error *err);

/* What check_status does not look at: rules that hide records, features, the login uid. */
int check_surroundings(Control &control, const audit_status &status, tb_error *err);

} // namespace tb::auditd

#endif
