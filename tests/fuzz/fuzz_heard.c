/* Arbitrary bytes as a message of a topic that the Sparkplug node listens to. */
#include "daemon/publish/sparkplug_payload.h"
#include "daemon/publish/sparkplug_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sparkplug_state state = { 0 };
	(void)sparkplug_commands("Node Control/Rebirth", data, size);
	(void)sparkplug_state_hear(&state, 0, (const char *)data, size);
	return 0;
}
