/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's signals, where they meet ours.
 *
 * Two things are kept for the program: the action of SIGSEGV and SIGBUS, once
 * our handlers stand in the kernel (the *chain*), and whether its masks name
 * the two signals (a *shadow*: one of each thread, one of each action's mask).
 *
 * The chain is written under signals.guard and read by handlers, which take no
 * lock, with a sequence count. A fault that is not the core's is handed on as
 * the kernel would: the program's handler with its mask and flags, or the
 * default action, so that exit status and core dump are true. A program that
 * faults with the signal masked is not killed for it, unlike by Linux: the
 * shadow is not certain enough for that, since siglongjmp() sets masks past
 * us.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "shim/preload/core.h"
#include "shim/preload/export.h"
#include "shim/preload/guard.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"
#include "shim/preload/signals.h"
#include "shim/preload/sys.h"

#define SIGNALS_END 65

/**
 * struct signals_chain - what the program wants of a signal
 * @sequence: odd while @action changes
 * @action: its last sigaction(), mask as given
 */
struct signals_chain {
	atomic_uint sequence;
	struct sigaction action;
};

static struct {
	struct guard guard;
	atomic_bool is_taken;
	struct signals_chain segv;
	struct signals_chain bus;
	atomic_uchar mask_shadow[SIGNALS_END];
} signals = { .guard = GUARD_INITIALIZER };

static inline bool signal_is_ours(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS;
}

static inline struct signals_chain *signals_chain_of(int signal)
{
	return signal == SIGSEGV ? &signals.segv : &signals.bus;
}

/* Masks */

static unsigned int mask_bits(const sigset_t *mask)
{
	return (sigismember(mask, SIGSEGV) == 1 ? SELF_SEGV : 0u) |
	       (sigismember(mask, SIGBUS) == 1 ? SELF_BUS : 0u);
}

static void mask_add_bits(sigset_t *mask, unsigned int bits)
{
	if (bits & SELF_SEGV)
		sigaddset(mask, SIGSEGV);
	if (bits & SELF_BUS)
		sigaddset(mask, SIGBUS);
}

static void mask_strip(sigset_t *mask)
{
	sigdelset(mask, SIGSEGV);
	sigdelset(mask, SIGBUS);
}

const sigset_t *signals_mask_for_wait(const sigset_t *mask, sigset_t *changed)
{
	if (likely(!mask) || !mask_bits(mask) || !run_is_active())
		return mask;
	*changed = *mask;
	mask_strip(changed);
	return changed;
}

static bool handler_is_on_other_stack(void)
{
	stack_t stack;

	return !sys_call2(SYS_sigaltstack, NULL, &stack) &&
	       (stack.ss_flags & SS_ONSTACK);
}

/* Was the handler left by siglongjmp()? That sets the mask past us. */
static bool handler_was_left(const struct self_handler *handler)
{
	if (handler->is_on_other_stack)
		return !handler_is_on_other_stack();
	return (uintptr_t)__builtin_frame_address(0) > handler->frame &&
	       !handler_is_on_other_stack();
}

static void handlers_settle(void)
{
	while (self.n_handlers &&
	       handler_was_left(&self.handlers[self.n_handlers - 1]))
		self.blocked = self.handlers[--self.n_handlers].blocked;
}

static int mask_change(int how, const sigset_t *set, sigset_t *old)
{
	unsigned int before, bits = 0;
	sigset_t real;
	int err;

	handlers_settle();
	before = self.blocked;
	if (set) {
		bits = mask_bits(set);
		real = *set;
		mask_strip(&real);
	}
	err = REAL(pthread_sigmask)(how, set ? &real : NULL, old);
	if (err)
		return err;
	if (old)
		mask_add_bits(old, before);
	if (!set)
		return 0;
	if (how == SIG_SETMASK)
		self.blocked = bits;
	else if (how == SIG_BLOCK)
		self.blocked = before | bits;
	else
		self.blocked = before & ~bits;
	return 0;
}

EXPORT int pthread_sigmask(int how, const sigset_t *restrict set,
			   sigset_t *restrict old)
{
	if (!run_is_active())
		return REAL(pthread_sigmask)(how, set, old);
	return mask_change(how, set, old);
}

EXPORT int sigprocmask(int how, const sigset_t *restrict set,
		       sigset_t *restrict old)
{
	int err;

	if (!run_is_active())
		return REAL(sigprocmask)(how, set, old);
	err = mask_change(how, set, old);
	return err ? result_int(-err) : 0;
}

EXPORT int sigsuspend(const sigset_t *mask)
{
	sigset_t changed;

	return REAL(sigsuspend)(signals_mask_for_wait(mask, &changed));
}

/* Actions */

static void chain_read(struct signals_chain *chain, struct sigaction *action)
{
	unsigned int sequence;

	do {
		sequence = atomic_load_explicit(&chain->sequence,
						memory_order_acquire);
		memcpy(action, &chain->action, sizeof(*action));
		atomic_signal_fence(memory_order_seq_cst);
	} while ((sequence & 1) || sequence != atomic_load(&chain->sequence));
}

static void chain_write_locked(struct signals_chain *chain,
			       const struct sigaction *action)
{
	atomic_fetch_add(&chain->sequence, 1);
	chain->action = *action;
	atomic_fetch_add(&chain->sequence, 1);
}

static bool action_is_default(const struct sigaction *action)
{
	return action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN;
}

/* The kernel's default, at once: for a sent signal by sending it again, for a
 * fault by letting the instruction fault again. */
static void signals_default(int signal, siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	REAL(sigaction)(signal, &action, NULL);
	if (info->si_code <= 0)
		sys_call4(SYS_rt_tgsigqueueinfo, sys_call0(SYS_getpid),
			  sys_call0(SYS_gettid), signal, info);
}

static void signals_call(int signal, siginfo_t *info, void *context,
			 const struct sigaction *action)
{
	sigset_t mask = action->sa_mask;
	unsigned int before, n_handlers;

	handlers_settle();
	before = self.blocked;
	n_handlers = self.n_handlers;
	if (n_handlers < SELF_HANDLERS)
		self.handlers[self.n_handlers++] = (struct self_handler){
			.frame = (uintptr_t)__builtin_frame_address(0),
			.blocked = before,
			.is_on_other_stack = handler_is_on_other_stack(),
		};
	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, signal);
	/* The kernel restores the true mask when our handler returns. */
	mask_change(SIG_BLOCK, &mask, NULL);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
	self.blocked = before;
	self.n_handlers = n_handlers;
}

static void signals_hand_on(int signal, siginfo_t *info, void *context)
{
	struct signals_chain *chain = signals_chain_of(signal);
	struct sigaction action, once = { .sa_handler = SIG_DFL };
	__u64 mask;

	chain_read(chain, &action);
	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (action_is_default(&action)) {
		signals_default(signal, info);
		return;
	}
	if (action.sa_flags & (int)SA_RESETHAND) {
		mask = guard_acquire(&signals.guard);
		chain_write_locked(chain, &once);
		guard_release(&signals.guard, mask);
	}
	signals_call(signal, info, context, &action);
}

static void signals_handler(int signal, siginfo_t *info, void *context)
{
	const struct shim_core *core = core_get();
	int old_errno = errno;
	bool was_ours;

	/* A signal that somebody sent says nothing of memory. */
	if (core && info->si_code > 0) {
		core_enter();
		was_ours = core->fault(signal, info, context);
		core_leave();
		errno = old_errno;
		if (was_ours)
			return;
	}
	signals_hand_on(signal, info, context);
}

/* Our handler in the kernel; on the stack that the program chose for its. */
static int signals_install_locked(int signal)
{
	const struct sigaction *theirs = &signals_chain_of(signal)->action;
	struct sigaction action = {
		.sa_sigaction = signals_handler,
		.sa_flags = SA_SIGINFO | SA_NODEFER |
			    (theirs->sa_flags & (SA_ONSTACK | SA_RESTART)),
	};

	sigemptyset(&action.sa_mask);
	return REAL(sigaction)(signal, &action, NULL);
}

static void signals_take_over_one(int signal)
{
	struct sigaction action;
	__u64 mask = guard_acquire(&signals.guard);

	if (!REAL(sigaction)(signal, NULL, &action)) {
		mask_add_bits(&action.sa_mask, signals.mask_shadow[signal]);
		chain_write_locked(signals_chain_of(signal), &action);
		signals_install_locked(signal);
	}
	guard_release(&signals.guard, mask);
}

void signals_start(void)
{
	sigset_t both, old;

	sigemptyset(&both);
	mask_add_bits(&both, SELF_SEGV | SELF_BUS);
	if (!REAL(pthread_sigmask)(SIG_UNBLOCK, &both, &old))
		self.blocked = mask_bits(&old);
}

void signals_take_over(void)
{
	if (atomic_exchange(&signals.is_taken, true))
		return;
	signals_take_over_one(SIGSEGV);
	signals_take_over_one(SIGBUS);
}

void signals_fork_child(void)
{
	guard_reset(&signals.guard);
}

static int signals_change_chain(int signal, const struct sigaction *action,
				struct sigaction *old)
{
	struct signals_chain *chain = signals_chain_of(signal);
	__u64 mask = guard_acquire(&signals.guard);
	struct sigaction before = chain->action;
	int ret = 0;

	if (action) {
		chain_write_locked(chain, action);
		ret = signals_install_locked(signal);
	}
	guard_release(&signals.guard, mask);
	if (old)
		*old = before;
	return ret;
}

static int signals_change(int signal, const struct sigaction *action,
			  struct sigaction *old)
{
	struct sigaction real;
	unsigned int shadow;
	int ret;

	if (signal <= 0 || signal >= SIGNALS_END)
		return REAL(sigaction)(signal, action, old);
	if (action) {
		real = *action;
		mask_strip(&real.sa_mask);
	}
	ret = REAL(sigaction)(signal, action ? &real : NULL, old);
	if (ret)
		return ret;
	shadow = signals.mask_shadow[signal];
	if (action)
		signals.mask_shadow[signal] =
			(unsigned char)mask_bits(&action->sa_mask);
	if (old)
		mask_add_bits(&old->sa_mask, shadow);
	return 0;
}

EXPORT int sigaction(int signal, const struct sigaction *restrict action,
		     struct sigaction *restrict old)
{
	if (!run_is_active() || self.core_depth)
		return REAL(sigaction)(signal, action, old);
	if (signal_is_ours(signal) && atomic_load(&signals.is_taken))
		return signals_change_chain(signal, action, old);
	return signals_change(signal, action, old);
}

EXPORT_ALIAS("sigaction")
int __sigaction(int signal, const struct sigaction *restrict action,
		struct sigaction *restrict old) __THROW;

/* The older ways to set an action, all by the newer one */

static sighandler_t signals_set(int signal, sighandler_t handler, int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct sigaction old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&action.sa_mask);
	if (!(flags & SA_NODEFER) && sigaddset(&action.sa_mask, signal))
		return SIG_ERR;
	if (sigaction(signal, &action, &old))
		return SIG_ERR;
	return old.sa_handler;
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
	return signals_set(signal, handler, SA_RESTART);
}

EXPORT_ALIAS("signal")
sighandler_t bsd_signal(int signal, sighandler_t handler) __THROW;
EXPORT_ALIAS("signal") sighandler_t ssignal(int signal, sighandler_t handler);

EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler);

EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
	return signals_set(signal, handler, (int)SA_RESETHAND | SA_NODEFER);
}

EXPORT_ALIAS("__sysv_signal")
sighandler_t sysv_signal(int signal, sighandler_t handler);

static int signals_mask_one(int how, int signal, sigset_t *old)
{
	sigset_t mask;

	sigemptyset(&mask);
	if (sigaddset(&mask, signal))
		return -1;
	return sigprocmask(how, &mask, old);
}

EXPORT int sighold(int signal)
{
	return signals_mask_one(SIG_BLOCK, signal, NULL);
}

EXPORT int sigrelse(int signal)
{
	return signals_mask_one(SIG_UNBLOCK, signal, NULL);
}

EXPORT int sigignore(int signal)
{
	return signals_set(signal, SIG_IGN, SA_NODEFER) == SIG_ERR ? -1 : 0;
}

EXPORT sighandler_t sigset(int signal, sighandler_t handler)
{
	struct sigaction action;
	sighandler_t before;
	sigset_t old;

	if (handler == SIG_HOLD) {
		if (signals_mask_one(SIG_BLOCK, signal, &old) ||
		    sigaction(signal, NULL, &action))
			return SIG_ERR;
		before = action.sa_handler;
	} else {
		before = signals_set(signal, handler, SA_NODEFER);
		if (before == SIG_ERR ||
		    signals_mask_one(SIG_UNBLOCK, signal, &old))
			return SIG_ERR;
	}
	return sigismember(&old, signal) == 1 ? SIG_HOLD : before;
}
