/* pue_roles: what the roles of meters mean for a PUE (pure).
 *
 * `has` says which roles have meters. Energies are in joules by role.
 */
#pragma once

#include "config/config.h"

/* The additive form: with a facility meter the parts that are known add up to E_total. */
enum pue_part { PUE_PART_IT, PUE_PART_COOLING, PUE_PART_LOSS, PUE_PART_OTHER, PUE_PART_COUNT };

struct pue_parts {
	bool has[PUE_PART_COUNT];
	double kwh[PUE_PART_COUNT];
};

/* No facility meter: the figure is a partial PUE. */
bool pue_roles_are_partial(const bool has[PUE_ROLE_COUNT]);

/* Whether the PUE itself needs the meters of a role. */
bool pue_roles_need(const bool has[PUE_ROLE_COUNT], enum pue_role r);

/* E_total and E_IT of these energies. */
double pue_roles_total(const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT]);
double pue_roles_it(const double joules[PUE_ROLE_COUNT]);

/* The total as a sum of parts: cooling that sits inside the IT equipment is cooling, and what no meter of
 * cooling or losses tells is other. A part is NAN when a role of it is. */
struct pue_parts pue_roles_parts(
    const bool has[PUE_ROLE_COUNT], const double kwh[PUE_ROLE_COUNT], double total_kwh);

/* By how much the PUE of these energies changes with each, per joule: dPUE / dE. */
void pue_roles_slopes(
    const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT], double slopes[PUE_ROLE_COUNT]);

/* Uncertainty (k = 2) of the PUE of these energies, whose variances by role are known; NAN when one that it
 * needs is.
 *
 * First-order propagation, JCGM 100:2008 (GUM) 5.1.2, of PUE = total / it over the energies that it is made
 * of. With one facility and one IT meter that is PUE * sqrt(class_total^2 + class_it^2). The class is taken
 * as the half-width for k = 2, so that two class-0.5 meters at a PUE of 1.05 give 0.0074. */
double pue_roles_uncertainty(const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT],
    const double variances[PUE_ROLE_COUNT]);
