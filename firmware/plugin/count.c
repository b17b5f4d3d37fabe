/*
 * Counts instructions between marks: a plugin for QEMU's TCG, exact and repeatable.
 *
 *     cc -O2 -shared -fPIC -o libcount.so count.c
 *     qemu-system-arm ... -plugin libcount.so,out=counts
 *
 * A mark is a Thumb hint instruction of a reserved number, a no-op in QEMU and on silicon:
 *
 *     .inst.w 0xf3af8040 + 2 * region        begin
 *     .inst.w 0xf3af8041 + 2 * region        end
 *
 * Marks count for nothing themselves. At exit the file holds one line for each region that ended at least once:
 * "region entered-and-ended instructions". Regions may nest and interleave, but not within themselves.
 *
 * Debian ships no header for plugins, so what is used of API version 1 (QEMU 4.2 to 8.1) is declared here. A newer
 * QEMU refuses the plugin by its version, before anything can go wrong.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define API __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*on_block_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*on_instruction_t)(unsigned cpu, void *data);
typedef void (*on_exit_t)(qemu_plugin_id_t, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, on_block_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_instruction_t, int registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *counter, uint64_t by);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, on_exit_t, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

API int qemu_plugin_version = 1;

enum { NO_REGISTERS = 0, ADD = 0, REGIONS = 32 };

struct region {
    bool open;
    uint64_t began, ended, instructions;
};

static uint64_t executed;
static struct region regions[REGIONS];
static FILE *out;

static void on_mark(unsigned cpu, void *data)
{
    uintptr_t number = (uintptr_t)data;
    struct region *region = &regions[number >> 1];
    bool begins = (number & 1) == 0;

    (void)cpu;
    if (begins) {
        region->open = true;
        region->began = executed;
    } else if (region->open) {
        region->open = false;
        region->ended += 1;
        region->instructions += executed - region->began;
    }
}

/* The number of a mark, or -1 for any other instruction. */
static int mark_number(const struct qemu_plugin_insn *instruction)
{
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    uint16_t first, second;

    if (qemu_plugin_insn_size(instruction) != 4)
        return -1;
    first = (uint16_t)(bytes[0] | bytes[1] << 8);
    second = (uint16_t)(bytes[2] | bytes[3] << 8);
    return first == 0xf3af && (second & 0xffc0) == 0x8040 ? second & 0x3f : -1;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    size_t count = qemu_plugin_tb_n_insns(block);

    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        int number = mark_number(instruction);

        if (number < 0)
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD, &executed, 1);
        else
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, NO_REGISTERS, (void *)(uintptr_t)number);
    }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    for (int i = 0; i < REGIONS; i++)
        if (regions[i].ended != 0)
            fprintf(out, "%d %" PRIu64 " %" PRIu64 "\n", i, regions[i].ended, regions[i].instructions);
    fclose(out);
}

API int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (out == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
