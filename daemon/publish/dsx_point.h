/* dsx_point: what something of ours is on the DSX BMS event bus (pure).
 *
 * Types, units and which object may have which point are those of its AsyncAPI description 1.0.0. What fits
 * no type of its object is a GenericPoint, which says by its process area what it is.
 */
#pragma once

#include "config/config.h"

#define DSX_ID_MAX 256

/* The equipment that points belong to; texts are the configuration's, but for the id. */
struct dsx_object {
	const char *type;
	unsigned class; /* of the type: which points it may have */
	char id[DSX_ID_MAX];
	const char *name;
	const char *serves;    /* ids with blanks between them; "" = none */
	const char *associate; /* belongs to that object and has no identity of its own; NULL = it has */
	const char *area;      /* the process area before those of its points; NULL = none */
	const char *rack_id, *rack_name;
};

/* What a device is, by its labels, or else by its points. */
struct dsx_object dsx_object_of_device(const struct config *c, const struct device_config *d);
/* A loop or a PUE figure. */
struct dsx_object dsx_object_of_figure(const struct config *c, const char *kind, const char *name);

/* What is known of a point of ours. */
struct dsx_source {
	const char *name;
	const char *unit; /* "" = none */
	enum quantity quantity;
	double factor, zero; /* to SI, see struct unit */
	bool is_truth;
	const struct point_enums *states; /* words for whole numbers; NULL = none */
};

struct dsx_source dsx_source_of_point(const struct point *p);
struct dsx_source dsx_source_of_figure(const char *name, const char *unit);

struct dsx_point {
	const char *type;    /* its point type; NULL = it cannot be told: a text */
	const char *object;  /* its object type */
	const char *unit;    /* "" = none */
	double factor, zero; /* a value of ours v is v factor + zero there */
	char phase;	     /* of a conductor; 0 = none */
	bool is_generic;
	bool is_associate; /* of the rack, which does not have such points */
};

struct dsx_point dsx_point_of(const struct dsx_object *o, const struct dsx_source *s);

/* The metadata as JSON: malloc'd, NULL without memory. */
char *dsx_metadata(
    const struct dsx_object *o, const struct dsx_source *s, const struct dsx_point *p, size_t *size);
