/* SPDX-License-Identifier: BSD-2-Clause */
/** @file answer.h Writes decisions, usages and permits from what became of a case. */
#ifndef RATION_CORE_ANSWER_H
#define RATION_CORE_ANSWER_H

#include "limiter.h"

/** A refusal by error: what a decision says until something better is known. */
void ration_answer_error(ration_decision *decision);

/** Writes the answer to a case, its requests' usages and the first request's permit, and counts it. */
void ration_answer_write(ration_case *c, unsigned outcome, const ration_question *questions, unsigned count, ration_decision *decision);

/** The answer of a blocked (or, allowed, an unlimited) plan. */
void ration_answer_fixed(ration_case *c, bool allowed, const ration_question *questions, unsigned index, ration_decision *decision);

#endif
